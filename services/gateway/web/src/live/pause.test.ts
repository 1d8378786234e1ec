import { expect, it } from "vitest";
import { pauseBefore } from "./pause";

it("waits longer each time, up to a bound", () => {
  expect([1, 2, 3, 4, 5, 50].map((attempt) => pauseBefore(attempt, null, 1))).toEqual([
    1000, 2000, 4000, 8000, 15000, 15000,
  ]);
});

it("begins with what the server asks for", () => {
  expect(pauseBefore(1, 3000, 1)).toBe(3000);
});

it("is spread over half of it", () => {
  expect(pauseBefore(1, 1000, 0)).toBe(500);
  expect(pauseBefore(1, 1000, 0.5)).toBe(750);
});
