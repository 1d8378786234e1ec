import { describe, expect, it } from "vitest";
import type { Schemas } from "../api/types";
import { isEmpty, listed, type Plan, planOf, summaryOf } from "./plan";

const HEAD: Schemas["TaskPlan"] = {
  type: "t",
  scope: "photo_set",
  label: "T",
  dry_run: true,
  photos: 2,
  projects: 1,
  steps: [],
};
const place = (photo_id: number) => ({ photo_id, project_folder: "Trip", filename: `IMG_${photo_id}` });
const told = (plan: Plan) => plan.lines.map(({ outcome, words }) => [outcome, words]);

describe("a preview in words", () => {
  it("of tags", () => {
    const item = { ...place(1), adds: [], removes: [], reason: null };
    const plan = planOf([
      {
        ...HEAD,
        photos: 3,
        items: [
          { ...item, status: "changes", adds: ["sea", "sun"], removes: ["draft"] },
          { ...item, status: "unchanged" },
          { ...item, status: "fails", reason: "It has 200 tags." },
        ],
      },
    ]);
    expect(told(plan)).toEqual([
      ["does", "Gets “sea” and “sun”, loses “draft”"],
      ["nothing", "Has these tags so already"],
      ["refused", "It has 200 tags."],
    ]);
    expect(summaryOf(plan)).toBe("1 photo will change, 1 stays as it is, 1 cannot be changed.");
  });

  it("of what is kept", () => {
    const plan = planOf([
      { ...HEAD, photos: 1, items: [{ ...place(1), status: "changes", keeps: ["jpg"], gives_up: ["raw", "other"] }] },
    ]);
    expect(told(plan)).toEqual([["does", "Keeps its JPEG, its RAW and other file will be marked for removal"]]);
  });

  it("of moves, with names that are taken", () => {
    const item = { ...place(1), files: [], reason: null };
    const plan = planOf([
      {
        ...HEAD,
        photos: 3,
        dest_folder: "Best",
        items: [
          { ...item, status: "moves", new_filename: "IMG_1" },
          { ...item, status: "moves", new_filename: "IMG_1 (2)", reason: "Its name is taken there." },
          { ...item, status: "stays", new_filename: null, reason: "It lies there already." },
        ],
      },
    ]);
    expect(told(plan)).toEqual([
      ["does", "Moves"],
      ["does", "Moves and is called “IMG_1 (2)”: its name is taken there"],
      ["nothing", "It lies there already."],
    ]);
    expect(summaryOf(plan)).toBe("2 photos will change, 1 stays as it is. 1 photo will get another name.");
  });

  it("of commits", () => {
    const plan = planOf([
      {
        ...HEAD,
        photos: 2,
        items: [
          { ...place(1), removes: ["a.nef"], photo_goes: false, derivatives: "kept" },
          { ...place(2), removes: ["b.jpg", "b.nef"], photo_goes: true, derivatives: "removed" },
        ],
      },
    ]);
    expect(told(plan)).toEqual([
      ["does", "a.nef goes to the trash"],
      ["does", "b.jpg and b.nef go to the trash, and the photo leaves the project"],
    ]);
    expect(summaryOf(plan)).toBe("2 photos will change. 1 photo will be gone with all files.");
  });

  it("of undos, which tell what they cannot take back", () => {
    const plan = planOf([
      {
        ...HEAD,
        photos: 3,
        items: [
          { ...place(1), status: "restores", what: ["goes back to Trip", "jpg is kept again"], reason: null },
          { ...place(2), status: "restores", what: ["a.jpg comes back"], reason: "a.nef is gone from the trash." },
          { ...place(3), status: "refused", what: [], reason: "It has moved on." },
        ],
      },
    ]);
    expect(told(plan)).toEqual([
      ["does", "goes back to Trip, JPEG is kept again"],
      ["does", "a.jpg comes back. a.nef is gone from the trash."],
      ["refused", "It has moved on."],
    ]);
  });
});

it("says of how many photos it tells, where it does not tell of all", () => {
  const item: Schemas["PlannedKeep"] = { ...place(1), status: "unchanged", keeps: [], gives_up: [] };
  const plan = planOf([{ ...HEAD, photos: 5000, items: [item] }]);
  expect(summaryOf(plan)).toBe("Of the first 1 photo: No photo will change, 1 stays as it is.");
  expect(isEmpty(plan)).toBe(false);
  expect(isEmpty(planOf([{ ...HEAD, photos: 1, items: [item] }]))).toBe(true);
});

it("sums up several requests", () => {
  const item: Schemas["PlannedKeep"] = { ...place(1), status: "changes", keeps: ["jpg"], gives_up: [] };
  const plan = planOf([
    { ...HEAD, photos: 1, items: [item] },
    { ...HEAD, photos: 1, items: [{ ...item, photo_id: 2 }] },
  ]);
  expect(plan.photos).toBe(2);
  expect(summaryOf(plan)).toBe("2 photos will change.");
});

it.each([
  [[], ""],
  [["a"], "a"],
  [["a", "b"], "a and b"],
  [["a", "b", "c"], "a, b and c"],
])("lists %j", (texts, words) => expect(listed(texts)).toBe(words));
