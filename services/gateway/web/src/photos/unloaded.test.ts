import { describe, expect, it } from "vitest";
import { ListChanges } from "./changes";
import { added, ids, listOf, MADE, onScreen, spoken } from "./testing/list";
import { photo } from "./testing/photo";

describe("a list of which only a part is loaded", () => {
  it("counts what comes where nothing is loaded, and moves nothing", () => {
    const model = listOf(100, [2]);
    const changes = new ListChanges(model);
    model.viewAt((model.boxOf(600)?.top ?? 0) + 50);
    const before = onScreen(model);
    changes.answered(new Map([[105, true]]), [photo(105)]);
    expect([model.portions[4]?.count, model.total, changes.arrivals.size]).toEqual([21, 101, 1]);
    expect(onScreen(model)).toEqual(before);
  });

  it("does not take for new what may have been there", () => {
    const model = listOf(100, [2], { tags: ["sea"] });
    const changes = new ListChanges(model);
    expect(changes.item({ ...spoken(105, 4), tags: ["sea"] })).toBe("ask");
    changes.answered(new Map([[105, false]]), [photo(105)]);
    expect([model.total, changes.arrivals.size, changes.uncounted]).toEqual([100, 0, true]);
  });

  it("asks only about what may be in it", () => {
    const all = new ListChanges(listOf(100, [0]));
    expect(all.item(added(4))).toBe("new");
    expect(all.item({ ...spoken(4, 2), ...MADE })).toBe("nothing");
    expect(all.moved({ ...spoken(4, 2, "Best"), ...MADE })).toBe("nothing");

    const project = new ListChanges(listOf(100, [0], { project_folder: "Trip" }));
    expect(project.item({ ...added(4), project_folder: "Best" })).toBe("nothing");
    expect(project.moved({ ...spoken(4, 2, "Trip"), ...MADE })).toBe("new");
    expect(project.moved({ ...spoken(4, 2, "Best"), ...MADE })).toBe("nothing");

    const failed = new ListChanges(listOf(100, [0], { status: "failed" }));
    expect(failed.item({ ...spoken(4, 2), ...MADE })).toBe("nothing");
    expect(failed.item({ ...spoken(4, 2), thumbnail_status: "failed", preview_status: "failed" })).toBe("ask");
  });

  it("says where a photo went that left the project", () => {
    const model = listOf(100, [0], { project_folder: "Trip" });
    const changes = new ListChanges(model);
    changes.removed(spoken(990, 2));
    changes.moved({ ...spoken(990, 2, "Best"), ...MADE });
    expect(model.entry(990)?.ghost).toEqual({ kind: "moved", to: "Best" });
    expect(model.total).toBe(99);
  });

  it("shows as a ghost what matches no more", () => {
    const model = listOf(100, [0], { pending_deletion: false });
    const changes = new ListChanges(model);
    changes.item({ ...spoken(990, 2), keep_jpg: false });
    expect(model.entry(990)?.ghost).toEqual({ kind: "unmatched" });
    changes.item({ ...spoken(990, 3), keep_jpg: true });
    expect(model.entry(990)?.ghost).toBeNull();
    expect(model.total).toBe(100);
  });

  it("begins with the first photo of an empty project", () => {
    const model = listOf(0, []);
    const changes = new ListChanges(model);
    expect(changes.item(added(7))).toBe("new");
    changes.answered(new Map([[7, true]]), [photo(7)]);
    changes.answered(new Map([[3, true]]), [photo(3)]);
    changes.answered(new Map([[5, true]]), [photo(5)]);
    expect(ids(model, 0)).toEqual([7, 5, 3]);
    expect([model.total, changes.arrivals.size]).toEqual([3, 0]);
  });
});
