import { describe, expect, it } from "vitest";
import { aspectOf, type Layout, layOut, type Measure, measureOf, rowOf, rowsBetween } from "./layout";

const MEASURE: Measure = { width: 1000, target: 200, gap: 10, heading: 50 };

/** Some aspects as cameras make them, always the same. */
function aspects(count: number): number[] {
  const kinds = [1.5, 1.5, 2 / 3, 1.5, 4 / 3, 1, 16 / 9, 3 / 4];
  return Array.from({ length: count }, (_, at) => kinds[(at * at + 3 * at) % kinds.length] ?? 1.5);
}

function whole(count: number, goesOn = false): Layout {
  return layOut(aspects(count), [{ first: 0, end: count, title: null, goesOn }], MEASURE);
}

const rightOf = (layout: Layout, at: number): number => (layout.lefts[at] ?? 0) + (layout.widths[at] ?? 0);

describe("layOut", () => {
  it("gives each photo one place, in order", () => {
    const { rows } = whole(211);
    expect(rows[0]?.first).toBe(0);
    expect(rows.at(-1)?.end).toBe(211);
    for (const [at, row] of rows.entries()) {
      expect(row.end).toBeGreaterThan(row.first);
      if (at > 0) expect(row.first).toBe(rows[at - 1]?.end);
    }
  });

  it("fills all rows from edge to edge, about as high as meant", () => {
    const layout = whole(211);
    for (const row of layout.rows.slice(0, -1)) {
      expect(layout.lefts[row.first]).toBe(0);
      expect(rightOf(layout, row.end - 1)).toBe(1000);
      expect(row.height).toBeGreaterThan(140);
      expect(row.height).toBeLessThan(280);
    }
  });

  it("keeps gaps between photos and between rows", () => {
    const layout = whole(50);
    for (const [at, row] of layout.rows.entries()) {
      if (at > 0) {
        const above = layout.rows[at - 1];
        expect(row.top - ((above?.top ?? 0) + (above?.height ?? 0))).toBe(10);
      }
      for (let photo = row.first + 1; photo < row.end; photo += 1) {
        expect(Math.abs((layout.lefts[photo] ?? 0) - rightOf(layout, photo - 1) - 10)).toBeLessThanOrEqual(1);
      }
    }
  });

  it("shows photos as wide for their height as they are", () => {
    const layout = whole(80);
    for (const row of layout.rows) {
      for (let photo = row.first; photo < row.end; photo += 1) {
        const wanted = (aspects(80)[photo] ?? 0) * row.height;
        expect(Math.abs((layout.widths[photo] ?? 0) - wanted)).toBeLessThanOrEqual(wanted * 0.01 + 2);
      }
    }
  });

  it("does not blow up the last photos of a section", () => {
    const layout = layOut([1.5], [{ first: 0, end: 1, title: null, goesOn: false }], MEASURE);
    expect(layout.rows).toEqual([{ first: 0, end: 1, top: 0, height: 200 }]);
    expect(layout.widths[0]).toBe(300);
  });

  it("squeezes no row so that the last one is full", () => {
    const four = layOut([1.5, 1.5, 1.5, 1.5], [{ first: 0, end: 4, title: null, goesOn: false }], MEASURE);
    expect(four.rows.map((row) => row.end)).toEqual([3, 4]);
  });

  it("fills the last row where the section goes on elsewhere, at the cost of no row", () => {
    for (let count = 12; count < 60; count += 1) {
      const layout = whole(count, true);
      const heights = layout.rows.map((row) => row.height);
      expect(rightOf(layout, count - 1)).toBe(1000);
      expect(Math.max(...heights)).toBeLessThanOrEqual(300);
      expect(Math.min(...heights)).toBeGreaterThan(120);
    }
  });

  it("puts headings above their sections, and none above one that goes on", () => {
    const sections = [
      { first: 0, end: 3, title: null, goesOn: false },
      { first: 3, end: 4, title: "A", goesOn: false },
      { first: 4, end: 9, title: "B", goesOn: true },
    ];
    const { headings, rows } = layOut(aspects(9), sections, MEASURE);
    expect(headings.map((heading) => [heading.title, heading.first, heading.end])).toEqual([
      ["A", 3, 4],
      ["B", 4, 9],
    ]);
    for (const heading of headings) {
      expect(rows.find((row) => row.first === heading.first)?.top).toBe(heading.top + 50);
    }
    expect(rows.map((row) => row.end)).toEqual(expect.arrayContaining([3, 4, 9]));
  });

  it("lays out nothing", () => {
    expect(layOut([], [], MEASURE).height).toBe(0);
  });

  it("takes what no camera makes", () => {
    const odd = [
      { width: 10000, height: 10 },
      { width: 1, height: 9000 },
      { width: null, height: null },
    ].map(aspectOf);
    expect(odd).toEqual([4, 0.4, 1.5]);
    const narrow = layOut(odd, [{ first: 0, end: 3, title: null, goesOn: false }], measureOf(200, false));
    expect(Math.max(...narrow.rows.map((row) => rightOf(narrow, row.end - 1)))).toBeLessThanOrEqual(200);
  });
});

describe("measureOf", () => {
  it("shows about three photos a row on a phone", () => {
    const measure = measureOf(390, true);
    const { rows } = layOut(aspects(90), [{ first: 0, end: 90, title: null, goesOn: false }], measure);
    expect(90 / rows.length).toBeGreaterThan(2.4);
    expect(90 / rows.length).toBeLessThan(3.6);
  });
});

describe("rows", () => {
  it("are found by where they stand", () => {
    const layout = whole(100);
    const [first, end] = rowsBetween(layout, 500, 900);
    const seen = layout.rows.filter((row) => row.top + row.height > 500 && row.top < 900);
    expect(layout.rows.slice(first, end)).toEqual(seen);
    expect(rowsBetween(layout, -100, -50)).toEqual([0, 0]);
    expect(rowsBetween(layout, layout.height + 1, layout.height + 5)).toEqual([layout.rows.length, layout.rows.length]);
  });

  it("are found by what they hold", () => {
    const layout = whole(100);
    for (let photo = 0; photo < 100; photo += 1) {
      const row = layout.rows[rowOf(layout, photo)];
      expect(row !== undefined && row.first <= photo && photo < row.end).toBe(true);
    }
  });
});
