import { describe, expect, it } from "vitest";
import { matching, only } from "../photos/selection";
import { AT_ONCE, photosInWords, selectionInWords, targetsOf } from "./targets";

const refs = (count: number) =>
  Array.from({ length: count }, (_, at) => ({ photo_id: at + 1, project_folder: "Trip", filename: `IMG_${at}` }));

describe("targetsOf", () => {
  it("names every photo once, in portions that a request may hold", () => {
    const { selection } = only(refs(2 * AT_ONCE + 1));
    const portions = targetsOf(selection).map((targets) => targets.photo_ids ?? []);
    expect(portions.map((ids) => ids.length)).toEqual([AT_ONCE, AT_ONCE, 1]);
    expect(new Set(portions.flat()).size).toBe(2 * AT_ONCE + 1);
  });

  it("names a filter, and no photos", () => {
    expect(targetsOf(matching({ tags: ["sea"] }, 7).selection)).toEqual([{ filter: { tags: ["sea"] } }]);
  });

  it("names nothing where nothing is selected", () => {
    expect(targetsOf(only([]).selection)).toEqual([]);
  });
});

it("says how many photos are meant", () => {
  expect(photosInWords(1)).toBe("1 photo");
  expect(photosInWords(1200)).toBe("1,200 photos");
  expect(selectionInWords(only(refs(2)).selection)).toBe("2 photos");
  expect(selectionInWords(matching({}, 1200).selection)).toBe("all 1,200 photos that match");
});
