import { describe, expect, it } from "vitest";
import type { Schemas } from "../api/types";
import type { LiveMessage } from "../live/messages";
import { photo } from "../photos/testing/photo";
import { detailAfter, fateAfter, readsAnew, renewsPicture } from "./photoChanges";

const DETAIL: Schemas["PhotoDetail"] = {
  ...photo(7),
  exif_orientation: null,
  camera_make: "Canon",
  camera_model: null,
  lens: null,
  exposure_seconds: null,
  f_number: null,
  iso: null,
  focal_length_mm: null,
  gps_latitude: null,
  gps_longitude: null,
  gps_altitude_m: null,
  files: [],
};
const spoken = {
  photo_id: 7,
  version: 2,
  project_folder: "Trip",
  filename: "IMG_00007",
  updated_at: "2026-06-02T00:00:00Z",
};
const item = (given: object): LiveMessage => ({ name: "item", data: { ...spoken, ...given } });

describe("a photo that is shown", () => {
  it("takes what a message tells, and keeps what it does not", () => {
    const after = detailAfter(DETAIL, item({ tags: ["sea"] }));
    expect([after?.tags, after?.camera_make, after?.version]).toEqual([["sea"], "Canon", 2]);
  });

  it("takes nothing that is old, or of another photo", () => {
    expect(detailAfter(DETAIL, item({ version: 1, tags: ["sea"] }))).toBe(DETAIL);
    expect(detailAfter(DETAIL, item({ photo_id: 8, tags: ["sea"] }))).toBe(DETAIL);
  });

  it("is read anew where a message does not say all", () => {
    expect(readsAnew(7, item({ change: "files" }))).toBe(true);
    expect(readsAnew(7, item({ tags: [] }))).toBe(false);
    expect(readsAnew(7, item({ photo_id: 8, change: "files" }))).toBe(false);
    expect(readsAnew(7, { name: "reset", data: { seq: 1 } })).toBe(true);
  });

  it("has a fate, and is back after it", () => {
    const moved = {
      ...spoken,
      project_folder: "Best",
      thumbnail_status: "generated",
      preview_status: "generated",
    } as const;
    expect(fateAfter(7, DETAIL, { name: "item_removed", data: spoken })).toEqual({ kind: "removed" });
    expect(fateAfter(7, DETAIL, { name: "item_moved", data: moved })).toEqual({ kind: "moved", to: "Best" });
    expect(fateAfter(8, DETAIL, { name: "item_moved", data: moved })).toBeUndefined();
    expect(fateAfter(7, DETAIL, item({ change: "restored" }))).toBeNull();
    const canceled = { project_id: 1, project_folder: "Trip", name: "Trip", version: 2 };
    expect(fateAfter(7, DETAIL, { name: "project_canceled", data: canceled })).toEqual({ kind: "project deleted" });
  });
});

it("asks for pictures again where they are others, and not for every change", () => {
  expect(renewsPicture(item({ preview_status: "generated" }))).toBe(7);
  expect(renewsPicture(item({ change: "files" }))).toBe(7);
  expect(renewsPicture(item({ tags: [], keep_jpg: false }))).toBeNull();
});
