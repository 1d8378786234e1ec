import { beforeEach, describe, expect, it } from "vitest";
import { photoOnTheWay, type Way, wayOf } from "./moving";
import { PhotoList } from "./photoList";
import { ListSource } from "./source";
import { NEWEST, photos, portionsOf } from "./testing/list";

const SIZE = 20;

/** A list of a hundred photos, all loaded, so that nothing is asked for. */
function loadedList(): PhotoList {
  const list = new PhotoList("test", new ListSource({}), NEWEST, {});
  const all = photos(100);
  list.model.resize(1000, 800);
  list.model.takeFirstPage(all.slice(0, SIZE), 100, true);
  list.model.takePortions(portionsOf(all));
  for (const [at, portion] of list.model.portions.entries()) {
    list.model.takePage(portion, all.slice(at * SIZE, (at + 1) * SIZE));
  }
  return list;
}

describe("a key leads", () => {
  let list: PhotoList;

  beforeEach(() => {
    list = loadedList();
  });

  async function from(id: number, way: Way): Promise<number | null> {
    const spot = list.model.find(id);
    if (spot === null) throw new Error("not loaded");
    return (await photoOnTheWay(list, spot, way))?.id ?? null;
  }

  it("to the neighbours, also of another portion, and not beyond the ends", async () => {
    expect(await from(500, "right")).toBe(490);
    expect(await from(500, "left")).toBe(510);
    expect(await from(810, "right")).toBe(800);
    expect(await from(800, "left")).toBe(810);
    expect(await from(1000, "left")).toBeNull();
    expect(await from(10, "right")).toBeNull();
  });

  it("to the ends of the list", async () => {
    expect(await from(500, "start")).toBe(1000);
    expect(await from(500, "end")).toBe(10);
  });

  it("up and down by where photos stand, row by row", async () => {
    let [id, rows]: [number | null, number] = [1000, 1];
    const tops: number[] = [];
    for (; id !== null; rows += 1) {
      tops.push(list.model.boxOf(id)?.top ?? -1);
      id = await from(id, "down");
    }
    expect(tops).toEqual(tops.toSorted((a, b) => a - b));
    const inAll = list.model.portions.reduce((sum, portion) => sum + (portion.layout?.rows.length ?? 0), 0);
    expect(rows - 1).toBe(inAll);
    const down = await from(500, "down");
    expect(down === null ? null : await from(down, "up")).toBe(500);
  });

  it("by most of a view, where a page is turned", async () => {
    const id = await from(1000, "pageDown");
    const moved = (list.model.boxOf(id ?? 0)?.top ?? 0) - (list.model.boxOf(1000)?.top ?? 0);
    expect(moved).toBeGreaterThan(800 * 0.5);
    expect(moved).toBeLessThan(800);
    expect(await from(1000, "pageUp")).not.toBeNull();
  });

  it("down past photos that are gone", async () => {
    const below = await from(500, "down");
    const spot = list.model.find(below ?? 0);
    const entry = list.model.entry(below ?? 0);
    if (spot === null || entry === null) throw new Error("not loaded");
    list.model.replace(spot, { ...entry, ghost: { kind: "removed" } });
    expect(await from(500, "down")).not.toBe(below);
  });

  it("past photos that are gone", async () => {
    const spot = list.model.find(490);
    const entry = list.model.entry(490);
    if (spot === null || entry === null) throw new Error("not loaded");
    list.model.replace(spot, { ...entry, ghost: { kind: "removed" } });
    expect(await from(500, "right")).toBe(480);
  });
});

describe("wayOf", () => {
  it("knows the keys of a grid", () => {
    expect(["ArrowUp", "Home", "PageDown", "a"].map(wayOf)).toEqual(["up", "start", "pageDown", null]);
  });
});
