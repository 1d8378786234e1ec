import { describe, expect, it } from "vitest";
import { ListModel } from "./model";
import { LONGEST } from "./scrolling";
import { listOf, onScreen, photos, portionsOf } from "./testing/list";

describe("ListModel", () => {
  it("knows where everything is, loaded or not", () => {
    const model = listOf(100, [2]);
    expect(model.portions.map((portion) => portion.entries !== null)).toEqual([true, false, true, false, false]);
    for (const [at, portion] of model.portions.entries()) {
      expect(model.portionAt(model.topOf(at))).toBe(at);
      expect(model.topOf(at + 1) - model.topOf(at)).toBe(portion.height);
      expect(portion.height).toBeGreaterThan(500);
    }
    expect(model.portionAt(-1)).toBe(0);
    expect(model.portionAt(model.height + 1)).toBe(4);
    expect(new ListModel(model.order, {}).portionAt(0)).toBe(-1);
  });

  it("shows what is in the view, with its rows", () => {
    const model = listOf(100, [2]);
    const slices = model.slices(model.topOf(1) + 10, model.topOf(2) + 300);
    expect(slices.map((slice) => [slice.portion, slice.first, slice.end > slice.first])).toEqual([
      [model.portions[1], 0, false],
      [model.portions[2], 0, true],
    ]);
  });

  it("is as high as it will be before it knows of the rest, and moves nothing when it does", () => {
    const first = new ListModel(listOf(1, []).order, {});
    first.resize(1000, 800);
    first.takeFirstPage(photos(100).slice(0, 20), 100, true);
    const before = onScreen(first);
    const height = first.height;
    first.takePortions(portionsOf(photos(100)));
    expect(first.portions[0]?.entries).toHaveLength(20);
    expect(first.portions.map((portion) => portion.unknown)).not.toContain(true);
    expect(onScreen(first)).toEqual(before);
    expect(Math.abs(first.height - height)).toBeLessThan(height * 0.05);
  });

  it("stays where the user went before it knew what is there", () => {
    const first = new ListModel(listOf(1, []).order, {});
    first.resize(1000, 800);
    first.takeFirstPage(photos(100).slice(0, 20), 100, true);
    const middle = first.height / 2;
    first.viewAt(middle);
    first.takePortions(portionsOf(photos(100)));
    expect([first.top, first.base]).toEqual([middle, 0]);
  });

  it("keeps no photo twice that another portion has by now", () => {
    const first = new ListModel(listOf(1, []).order, {});
    first.resize(1000, 800);
    first.takeFirstPage(photos(103).slice(3, 23), 100, true);
    first.takePortions(portionsOf(photos(103)));
    expect(first.portions[0]?.entries).toHaveLength(17);
  });

  it("moves nothing in sight when a portion above turns out higher than was thought", () => {
    const model = listOf(100, [3]);
    model.viewAt(model.topOf(3) + 400);
    const before = onScreen(model);
    const portion = model.portions[1];
    if (portion === undefined) throw new Error("no portion");
    portion.height -= 300;
    model.layOut(portion);
    model.viewAt(model.topOf(3) + 400);
    model.takePage(portion, photos(100).slice(20, 40));
    expect(onScreen(model)).toEqual(before);
    expect(model.base).not.toBe(0);
  });

  it("keeps a portion as high as it was when it forgets its photos", () => {
    const model = listOf(100, [1]);
    const height = model.height;
    const portion = model.portions[1];
    if (portion === undefined) throw new Error("no portion");
    model.unload(portion);
    expect([model.height, model.find(800), portion.entries]).toEqual([height, null, null]);
  });

  it("keeps the photo at the top of the view there when the window is resized", () => {
    const model = listOf(100, [0, 1, 2, 3, 4]);
    model.viewAt(model.boxOf(500)?.top ?? 0);
    const [first] = onScreen(model).keys();
    model.resize(500, 900);
    expect(onScreen(model).get(first ?? 0)).toBe(0);
  });

  it("lays out a million photos without loading them", () => {
    const model = listOf(200, [0]);
    const views = Array.from({ length: 5000 }, (_, at) => ({
      cursor: at === 0 ? null : `at ${at}`,
      photos: 200,
      first_photo_id: 1_000_000 - 200 * at,
      first_value: new Date(Date.UTC(2026, 0, 1) - at * 86_400_000).toISOString(),
      last_value: new Date(Date.UTC(2026, 0, 1) - at * 86_400_000 - 3_600_000).toISOString(),
    }));
    model.takePortions(views);
    expect(model.total).toBe(1_000_000);
    expect(model.height).toBeGreaterThan(LONGEST);
    const middle = model.height / 2;
    expect(model.slices(middle, middle + 800)).toHaveLength(1);
  });
});
