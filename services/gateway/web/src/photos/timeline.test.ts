import { describe, expect, it } from "vitest";
import { titleOfMonth } from "./dates";
import { marksOf, type Stretch, titleAt } from "./timeline";

/** Stretches of 100 px each, between these values. */
function stretches(...ends: readonly (readonly [string | number, string | number])[]): Stretch[] {
  return ends.map(([first, last], at) => ({ top: 100 * at, height: 100, first, last }));
}

const YEARS = stretches(
  ["2026-03-01T00:00:00Z", "2025-12-20T00:00:00Z"],
  ["2025-12-19T00:00:00Z", "2025-02-01T00:00:00Z"],
  ["2024-02-15T00:00:00Z", "2023-11-01T00:00:00Z"],
);

describe("marksOf", () => {
  it("labels each year where it begins, also within a stretch", () => {
    const labels = marksOf(YEARS, "taken_at", 900, 300).filter((mark) => mark.label !== null);
    expect(labels.map((mark) => mark.label)).toEqual(["2026", "2025", "2024", "2023"]);
    expect(labels[0]?.at).toBe(0);
    expect(labels[1]?.at).toBeCloseTo((59 / 71) * (1 / 3), 2);
    expect(labels[2]?.at).toBeCloseTo(2 / 3, 5);
    expect(labels[3]?.at).toBeGreaterThan(2 / 3);
  });

  it("has a dot for each month where there is room", () => {
    const dots = (height: number) =>
      marksOf(YEARS, "taken_at", height, 300).filter((mark) => mark.label === null).length;
    expect(dots(900)).toBeGreaterThan(10);
    expect(dots(60)).toBeLessThanOrEqual(60 / 7);
  });

  it.each([80, 200, 900])("keeps labels and dots apart, in order, on a bar of %i px", (height) => {
    const marks = marksOf(YEARS, "taken_at", height, 300);
    const gaps = (some: readonly { at: number }[]) =>
      some.slice(1).map(({ at }, n) => (at - (some[n]?.at ?? 0)) * height);
    expect(Math.min(...gaps(marks))).toBeGreaterThanOrEqual(6.999);
    expect(Math.min(...gaps(marks.filter((mark) => mark.label !== null)))).toBeGreaterThanOrEqual(25.999);
  });

  it("goes by the first letters of names, and by sizes", () => {
    const names = stretches(["alps", "beach"], ["beach 2", "beach 9"], ["Cap", "Zoo"]);
    expect(marksOf(names, "filename", 900, 300)).toEqual([
      { at: 0, label: "A" },
      { at: 1 / 3, label: "B" },
      { at: 2 / 3, label: "C" },
    ]);
    const sizes = stretches([48_000_000, 31_000_000], [30_500_000, 900_000], [700_000, 4_000]);
    expect(marksOf(sizes, "size", 900, 300).map((mark) => mark.label)).toEqual(["50 MB", "30 MB", "700 KB"]);
  });

  it("knows nothing of years between those of a long stretch, nor marks what is beyond the way", () => {
    const long = stretches(
      ["2026-05-01T00:00:00Z", "1999-01-01T00:00:00Z"],
      ["1998-12-01T00:00:00Z", "1998-11-01T00:00:00Z"],
    );
    expect(marksOf(long, "taken_at", 900, 200).map((mark) => mark.label)).toEqual(["2026", "1998"]);
    expect(marksOf(long, "taken_at", 900, 90).map((mark) => mark.label)).toEqual(["2026"]);
  });

  it("marks nothing in an empty list", () => {
    expect(marksOf([], "taken_at", 900, 0)).toEqual([]);
  });
});

describe("titleAt", () => {
  it("says what stands at a place", () => {
    expect(titleAt(YEARS, 0, "taken_at")).toBe(titleOfMonth("2026-03-01"));
    expect(titleAt(YEARS, 150, "taken_at")).toBe(titleOfMonth("2025-07-11"));
    expect(titleAt(YEARS, 1000, "taken_at")).toBe(titleOfMonth("2023-11-01"));
    expect(titleAt(stretches(["a", "b"]), 80, "filename")).toBe("b");
    expect(titleAt(stretches([3_000_000, 1_000_000]), 50, "size")).toBe("2.0 MB");
    expect(titleAt([], 0, "size")).toBe("");
  });
});
