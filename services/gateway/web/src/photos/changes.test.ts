import { beforeEach, describe, expect, it } from "vitest";
import type { Photo } from "../api/types";
import { ListChanges } from "./changes";
import type { ListModel } from "./model";
import { ids, listOf, MADE, onScreen, spoken } from "./testing/list";
import { photo } from "./testing/photo";

describe("a list of a hundred photos", () => {
  let model: ListModel;
  let changes: ListChanges;

  beforeEach(() => {
    model = listOf(100, [0, 1, 2, 3, 4]);
    changes = new ListChanges(model);
  });

  function lookAt(id: number): void {
    model.viewAt(model.boxOf(id)?.top ?? 0);
  }

  function comes(...some: Photo[]): void {
    changes.answered(new Map(some.map((one) => [one.id, true])), some);
  }

  it("patches a photo where it stands, once", () => {
    lookAt(500);
    const before = onScreen(model);
    expect(changes.item({ ...spoken(500, 3), tags: ["sea"], keep_jpg: false })).toBe("nothing");
    expect(model.entry(500)?.photo).toMatchObject({ tags: ["sea"], keep_jpg: false, version: 3 });
    expect(changes.item({ ...spoken(500, 2), tags: [] })).toBe("nothing");
    expect(model.entry(500)?.photo.tags).toEqual(["sea"]);
    expect(onScreen(model)).toEqual(before);
  });

  it("asks for another thumbnail only where that may be another", () => {
    changes.item({ ...spoken(500, 3), tags: ["sea"] });
    expect(model.entry(500)?.pictureVersion).toBe(1);
    changes.item({ ...spoken(500, 4), thumbnail_status: "generated", preview_status: "generated" });
    expect(model.entry(500)?.pictureVersion).toBe(4);
  });

  it("shows why a thumbnail failed, until it is made", () => {
    changes.item({ ...spoken(500, 3), thumbnail_status: "failed", preview_status: "failed", reason: "It is cut off." });
    expect(model.entry(500)?.photo.derivative_reason).toBe("It is cut off.");
    changes.item({ ...spoken(500, 4), tags: ["sea"] });
    expect(model.entry(500)?.photo.derivative_reason).toBe("It is cut off.");
    changes.item({ ...spoken(500, 5), ...MADE });
    expect(model.entry(500)?.photo.derivative_reason).toBeNull();
  });

  it("asks how a photo stands whose files are others", () => {
    expect(changes.item({ ...spoken(500, 3), change: "files", ...MADE })).toBe("ask");
    changes.answered(new Map([[500, false]]), [photo(500, { raw_available: true, version: 3 })]);
    expect(model.entry(500)?.photo.raw_available).toBe(true);
    expect(model.total).toBe(100);
  });

  it("keeps what is gone in its place as a ghost, until nobody looks there", () => {
    lookAt(500);
    const before = onScreen(model);
    changes.removed(spoken(500, 2));
    changes.settle();
    expect(model.entry(500)?.ghost).toEqual({ kind: "removed" });
    expect(onScreen(model)).toEqual(before);
    expect([model.total, changes.ghostsInSight()]).toEqual([99, 1]);

    lookAt(1000);
    changes.settle();
    expect(model.entry(500)).toBeNull();
    expect(ids(model, 2)).toHaveLength(19);
    expect(model.total).toBe(99);
  });

  it("moves nothing in sight when ghosts above it go", () => {
    lookAt(900);
    for (const id of [900, 890, 880, 870, 860]) changes.removed(spoken(id, 2));
    lookAt(300);
    const before = onScreen(model);
    const top = model.top;
    changes.settle();
    expect(model.top).toBeLessThan(top);
    expect(onScreen(model)).toEqual(before);
    expect(model.base).toBe(model.top - top);
  });

  it("brings back what was gone", () => {
    changes.removed(spoken(500, 2));
    expect(changes.item({ ...spoken(500, 3), change: "restored", ...MADE })).toBe("ask");
    changes.answered(new Map([[500, false]]), [photo(500, { version: 3 })]);
    expect(model.entry(500)?.ghost).toBeNull();
    expect(model.total).toBe(100);
  });

  it("keeps a photo that moved to another project, for the list is of all", () => {
    changes.removed(spoken(500, 2));
    expect(changes.moved({ ...spoken(500, 2, "Best"), ...MADE })).toBe("ask");
    expect(model.entry(500)).toMatchObject({ ghost: null, photo: { project_folder: "Best" } });
    expect(model.total).toBe(100);
  });

  it("lets what is new come in at the top while the user is there, in rows of its own", () => {
    const before = onScreen(model);
    comes(photo(1001), photo(1002));
    expect(ids(model, 0).slice(0, 3)).toEqual([1002, 1001, 1000]);
    expect([model.top, model.total, changes.arrivals.size]).toEqual([0, 102, 0]);
    const now = onScreen(model);
    const moved = new Set([...now].flatMap(([id, at]) => (before.has(id) ? [at - (before.get(id) ?? 0)] : [])));
    expect(moved.size).toBe(1);
  });

  it("lets it wait where it would push away what is looked at, and shows how much waits", () => {
    lookAt(900);
    const before = onScreen(model);
    comes(photo(885), photo(886), photo(105));
    expect(onScreen(model)).toEqual(before);
    expect([...changes.arrivals.keys()].sort()).toEqual([105, 885, 886]);
    expect(ids(model, 4)).toContain(105);
    expect(ids(model, 0)).not.toContain(885);
    expect(model.total).toBe(103);

    expect(changes.takeIn()?.id).toBe(886);
    expect(ids(model, 0)).toEqual(expect.arrayContaining([885, 886]));
    expect(changes.arrivals.size).toBe(0);
    expect(onScreen(model).get(900)).toBe(before.get(900));
  });

  it("follows what happens to a photo that waits", () => {
    lookAt(900);
    comes(photo(885, { thumbnail_status: "pending" }), photo(886), photo(887));
    changes.item({ ...spoken(885, 2), ...MADE });
    changes.removed(spoken(886, 2));
    expect(changes.moved({ ...spoken(886, 2, "Best"), ...MADE })).toBe("new");
    expect(changes.moved({ ...spoken(886, 2, "Best"), ...MADE })).toBe("nothing");
    changes.takeIn();
    expect(model.entry(885)?.photo.thumbnail_status).toBe("generated");
    expect(ids(model, 0)).not.toContain(886);
    expect(ids(model, 0)).toContain(887);
  });

  it("puts what waits into its place as soon as nobody looks there, and forgets it once it was seen", () => {
    lookAt(900);
    comes(photo(885));
    lookAt(300);
    const before = onScreen(model);
    changes.settle();
    expect(ids(model, 0)).toContain(885);
    expect(onScreen(model)).toEqual(before);
    expect(changes.arrivals.size).toBe(1);
    lookAt(885);
    changes.seen();
    expect(changes.arrivals.size).toBe(0);
  });

  it("appends what belongs at the end while that is in sight", () => {
    model.viewAt(model.height - 800);
    comes(photo(5));
    expect(ids(model, 4).at(-1)).toBe(5);
    expect(changes.arrivals.size).toBe(0);
  });

  it("moves a photo whose date changed to its new place, but not under the user's eyes", () => {
    lookAt(900);
    const before = onScreen(model);
    changes.item({ ...spoken(880, 2), taken_at: photo(195).taken_at });
    changes.settle();
    expect(onScreen(model)).toEqual(before);
    lookAt(500);
    changes.settle();
    expect(ids(model, 0)).not.toContain(880);
    expect(ids(model, 4).slice(0, 2)).toEqual([200, 880]);
    expect(model.total).toBe(100);
  });

  it("follows names of projects, and shows that one is gone", () => {
    changes.projectCalled(1, { project_folder: "Summer", project_name: "Summer" });
    expect(model.entry(10)?.photo).toMatchObject({ project_folder: "Summer", project_name: "Summer" });
    changes.projectGone("Summer");
    expect(model.entry(10)?.ghost).toEqual({ kind: "removed" });
    expect(changes.uncounted).toBe(true);
  });

  it("moves nothing in sight, whatever comes and goes", () => {
    let state = 7;
    const chance = (below: number): number => {
      state = (state * 1103515245 + 12345) % 2 ** 31;
      return Math.floor((state / 2 ** 31) * below);
    };
    for (let step = 0; step < 300; step += 1) {
      model.viewAt(10 + chance(Math.max(1, model.height - 900)));
      changes.settle();
      const before = onScreen(model);
      const id = 1 + chance(1100);
      if (chance(2) === 0) comes(photo(id));
      else changes.removed(spoken(id, 100 + step));
      if (chance(3) === 0) changes.settle();
      const now = onScreen(model);
      for (const [shown, at] of before) expect(now.get(shown)).toBe(at);
    }
    for (const portion of model.portions) {
      const standing = portion.entries?.filter((entry) => entry.ghost === null).map((entry) => entry.photo.id) ?? [];
      expect(standing).toEqual(standing.toSorted((a, b) => b - a));
    }
  });
});
