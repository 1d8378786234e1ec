import { expect, it } from "vitest";
import { withNewest } from "./remembered";

it("puts what was used last first, once, and forgets what was used long ago", () => {
  expect(withNewest(["a", "b", "c"], ["c", "d"], 3)).toEqual(["c", "d", "a"]);
});
