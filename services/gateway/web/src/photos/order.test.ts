import { describe, expect, it } from "vitest";
import type { Sort } from "../view/search";
import { compareKeys, type Key, type ListOrder, placeOf } from "./order";

const order = (sort: Sort, descending = false): ListOrder => ({ sort, descending });
const sorted = (values: readonly (string | number)[], by: ListOrder): (string | number)[] =>
  values
    .map((value, id): Key => ({ value, id }))
    .sort((a, b) => compareKeys(a, b, by))
    .map((key) => key.value);

describe("compareKeys", () => {
  it("has a full second before its fractions, however it is written", () => {
    const times = ["2026-05-01T12:00:01Z", "2026-05-01T12:00:00.120000Z", "2026-05-01T12:00:00+00:00"];
    expect(sorted(times, order("taken_at"))).toEqual([...times].reverse());
    expect(sorted(times, order("taken_at", true))).toEqual(times);
  });

  it("compares names by code points, as the server does", () => {
    const names = ["B", "a", "a1", "Ä", "\uff21", "\u{1f600}"];
    expect(sorted([...names].reverse(), order("filename"))).toEqual(names);
  });

  it("compares sizes as numbers", () => {
    expect(sorted([100, 9, 20], order("size", true))).toEqual([100, 20, 9]);
  });

  it("breaks ties by the id, in the direction of the order", () => {
    const [a, b]: [Key, Key] = [
      { value: 1, id: 1 },
      { value: 1, id: 2 },
    ];
    expect(compareKeys(a, b, order("size"))).toBeLessThan(0);
    expect(compareKeys(a, b, order("size", true))).toBeGreaterThan(0);
  });
});

describe("placeOf", () => {
  it("finds the place of a key among others", () => {
    const keys: Key[] = [30, 20, 20, 10].map((value, at) => ({ value, id: 9 - at }));
    const place = (value: number, id: number) => placeOf({ value, id }, keys, (key) => key, order("size", true));
    expect([place(40, 1), place(30, 9), place(20, 1), place(20, 8), place(5, 1)]).toEqual([0, 0, 3, 1, 4]);
    expect(placeOf({ value: 1, id: 1 }, [], (key: Key) => key, order("size"))).toBe(0);
  });
});
