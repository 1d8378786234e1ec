import { describe, expect, it } from "vitest";
import type { Schemas } from "../api/types";
import { reversalOf, saysSomething, taskOf } from "./changes";

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

describe("taskOf", () => {
  it("names parameters that say something alone", () => {
    expect(taskOf({ kind: "tags", add: ["sea"], remove: [] })).toEqual({
      type: "tags_update",
      params: { add: ["sea"] },
    });
    expect(taskOf({ kind: "keep", keep: { keep_raw: false } }).params).toEqual({ keep_raw: false });
    expect(taskOf({ kind: "process", force: false }).params).toEqual({});
    expect(taskOf({ kind: "move", folder: "Best", name: "The best" }).params).toEqual({ dest_folder: "Best" });
  });
});

it("knows what asks for nothing", () => {
  expect(saysSomething({ kind: "tags", add: [], remove: [] })).toBe(false);
  expect(saysSomething({ kind: "tags", add: [], remove: ["a"] })).toBe(true);
  expect(saysSomething({ kind: "keep", keep: {} })).toBe(false);
  expect(saysSomething({ kind: "keep", keep: { keep_jpg: true } })).toBe(true);
});

describe("reversalOf", () => {
  it("gives back the tags that were lost and takes those that were new, of photos that were changed alone", () => {
    const plan: Schemas["TagsPlan"] = {
      ...HEAD,
      items: [
        { ...place(1), status: "changes", adds: ["sea"], removes: ["draft"], reason: null },
        { ...place(2), status: "changes", adds: ["sea"], removes: [], reason: null },
        { ...place(3), status: "unchanged", adds: [], removes: [], reason: null },
      ],
    };
    expect(reversalOf(plan, new Set([1, 3]))).toEqual({
      add: [{ photo_id: 1, tags: ["draft"] }],
      remove: [{ photo_id: 1, tags: ["sea"] }],
      keep: [],
    });
  });

  it("keeps what was given up, and gives up what was not kept before", () => {
    const item: Schemas["PlannedKeep"] = { ...place(1), status: "changes", keeps: ["jpg"], gives_up: ["raw"] };
    expect(reversalOf({ ...HEAD, items: [item] }, new Set([1])).keep).toEqual([
      { photo_id: 1, keep_raw: true, keep_jpg: false },
    ]);
  });
});
