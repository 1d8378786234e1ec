import { describe, expect, it } from "vitest";
import type { LiveMessage } from "../live/messages";
import type { PhotoRef } from "./photoRef";
import {
  added,
  countOf,
  extended,
  followed,
  isSelected,
  matching,
  NOTHING,
  only,
  type Selecting,
  settled,
  toggled,
} from "./selection";
import { photo } from "./testing/photo";

const ref = (id: number, folder = "Trip"): PhotoRef => ({
  photo_id: id,
  project_folder: folder,
  filename: `IMG_${id}`,
});
const refs = (...ids: number[]): PhotoRef[] => ids.map((id) => ref(id));

function ids(state: Selecting): number[] {
  return state.selection.kind === "photos" ? [...state.selection.refs.keys()].sort((a, b) => a - b) : [];
}

const spoken = (id: number, folder: string, filename = `IMG_${id}`) => ({
  photo_id: id,
  project_folder: folder,
  filename,
  version: 9,
  updated_at: "2026-06-01T00:00:00Z",
});
const removed = (id: number, folder = "Trip"): LiveMessage => ({ name: "item_removed", data: spoken(id, folder) });
const moved = (id: number, folder: string, filename?: string): LiveMessage => ({
  name: "item_moved",
  data: { ...spoken(id, folder, filename), thumbnail_status: "generated", preview_status: "generated" },
});

describe("picking", () => {
  it("adds and takes out", () => {
    const both = toggled(toggled(NOTHING, ref(1)), ref(2));
    expect(ids(both)).toEqual([1, 2]);
    expect(ids(toggled(both, ref(1)))).toEqual([2]);
    expect(ids(only(refs(7)))).toEqual([7]);
    expect(ids(added(both, refs(2, 3)))).toEqual([1, 2, 3]);
  });

  it("extends a range to and fro, and leaves alone what was selected before it", () => {
    const before = toggled(toggled(NOTHING, ref(1)), ref(5));
    const wide = extended(before, refs(5, 6, 7, 8));
    expect(ids(wide)).toEqual([1, 5, 6, 7, 8]);
    expect(ids(extended(wide, refs(5, 6)))).toEqual([1, 5, 6]);
    expect(ids(extended(wide, refs(1, 2, 3, 4, 5)))).toEqual([1, 2, 3, 4, 5]);
  });

  it("starts the next range where something was picked last", () => {
    const range = extended(only(refs(5)), refs(5, 6));
    expect(ids(extended(toggled(range, ref(9)), refs(9, 10)))).toEqual([5, 6, 9, 10]);
  });
});

describe("all that match", () => {
  const all = matching({ project_folder: "Trip" }, 1_000_000);

  it("holds what the filter matches, and knows how many there are", () => {
    expect(countOf(all.selection)).toBe(1_000_000);
    expect(isSelected(all.selection, photo(1))).toBe(true);
    expect(isSelected(all.selection, photo(1, { project_folder: "Best" }))).toBe(false);
  });

  it("gives way to what is picked next", () => {
    expect(ids(toggled(all, ref(3)))).toEqual([3]);
  });

  it("is what the filter says, whatever happens", () => {
    expect(followed(all, removed(1))).toBe(all);
  });
});

describe("following", () => {
  const start = only(refs(1, 2, 3));

  it("keeps a photo that moved, where it is now and by its new name", () => {
    const state = followed(followed(start, removed(2)), moved(2, "Best", "IMG_2 (2)"));
    expect(settled(state).lost).toBe(0);
    expect(state.selection.kind === "photos" && state.selection.refs.get(2)).toEqual({
      photo_id: 2,
      project_folder: "Best",
      filename: "IMG_2 (2)",
    });
  });

  it("drops a photo that is gone, and says so once", () => {
    const state = followed(start, removed(2));
    expect(ids(state)).toEqual([1, 3]);
    const after = settled(state);
    expect(after.lost).toBe(1);
    expect(settled(after.state).lost).toBe(0);
  });

  it("drops the photos of a project that is gone, and follows one that is renamed", () => {
    const two = added(start, [ref(4, "Best")]);
    const data = { project_id: 1, project_folder: "Trip", name: "Trip", version: 3 };
    expect(ids(followed(two, { name: "project_canceled", data }))).toEqual([4]);
    const rename = { project_id: 1, old_folder: "Trip", new_folder: "Summer", project_name: "Summer", version: 3 };
    const now = followed(two, { name: "folder_renamed", data: rename });
    expect(
      now.selection.kind === "photos" && [...now.selection.refs.values()].map((one) => one.project_folder),
    ).toEqual(["Summer", "Summer", "Summer", "Best"]);
  });

  it("brings nothing back by extending the range that was gone before", () => {
    const state = extended(followed(added(start, refs(9)), removed(1)), refs(9, 10));
    expect(ids(state)).toEqual([2, 3, 9, 10]);
  });

  it("changes nothing where it is about others", () => {
    expect(followed(start, removed(8))).toBe(start);
    expect(followed(start, moved(8, "Best"))).toBe(start);
    expect(followed(start, { name: "item", data: spoken(1, "Trip") })).toBe(start);
  });
});
