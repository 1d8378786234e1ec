import { expect, it } from "vitest";
import { isAfter } from "./frameId";

it.each([
  ["1-1", null, true],
  ["1-2", "1-1", true],
  ["1-1", "1-1", false],
  ["2-1", "1-9", true],
  ["10-1", "9-1", true],
  ["9-1", "10-1", false],
  ["117-1", "117", false],
  ["117", "117-3", true],
  ["118-1", "117", true],
])("%s is after %s: %s", (id, than, after) => {
  expect(isAfter(id, than)).toBe(after);
});
