import { expect, it } from "vitest";
import { countTags } from "./knownTags";

it("counts tags, the most usual first", () => {
  const photos = [{ tags: ["b", "a"] }, { tags: ["b", "c"] }, { tags: [] }];
  expect(countTags(photos)).toEqual([
    { tag: "b", count: 2 },
    { tag: "a", count: 1 },
    { tag: "c", count: 1 },
  ]);
});
