import { describe, expect, it } from "vitest";
import { compareKeys, keyOf, type ListOrder } from "./order";
import { beyond } from "./source";
import { photo } from "./testing/photo";

describe("beyond", () => {
  const order: ListOrder = { sort: "taken_at", descending: true };
  const isBefore = (one: ReturnType<typeof photo>, key: Parameters<typeof compareKeys>[1]) =>
    compareKeys(keyOf(one, "taken_at"), key, order) < 0;

  it("ends a portion where the next one starts, also if its first photo is gone", () => {
    const isBeyond = beyond(keyOf(photo(50), "taken_at"), isBefore);
    expect([70, 51, 50, 49].map((id) => isBeyond(photo(id)))).toEqual([false, false, true, true]);
  });

  it("knows the first photo of the next portion by its id, wherever it sorts", () => {
    expect(beyond(keyOf(photo(50), "taken_at"), () => true)(photo(50))).toBe(true);
  });

  it("ends nowhere behind the last portion", () => {
    expect(beyond(undefined, () => false)(photo(1))).toBe(false);
  });
});
