import { describe, expect, it } from "vitest";
import type { PhotoFilter } from "../api/types";
import { inProject, isAllPendingDeletion, isPendingDeletion, matches, mayMatchNow } from "./matching";
import { photo } from "./testing/photo";

const SHOWN = photo(1, {
  project_folder: "Trip",
  filename: "DSC_0012",
  taken_at: "2026-05-02T23:59:59.500000Z",
  jpg_available: true,
  raw_available: true,
  keep_jpg: true,
  keep_raw: false,
  tags: ["sea", "2026"],
  shape: "portrait",
  thumbnail_status: "generated",
  preview_status: "failed",
});

const HOLD: readonly PhotoFilter[] = [
  {},
  { project_folder: "Trip" },
  { project_folders: ["Best", "Trip"] },
  { date_from: "2026-05-02", date_to: "2026-05-02" },
  { file_type: "both" },
  { file_type: "any", keep_type: "any", orientation: "any" },
  { keep_type: "any_kept" },
  { keep_type: "jpg_only" },
  { orientation: "portrait" },
  { tags: ["2026", "sea"] },
  { text: "sc_00" },
  { status: "failed" },
  { pending_deletion: true },
];

const FAIL: readonly PhotoFilter[] = [
  { project_folder: "Best" },
  { project_folders: ["Best"] },
  { date_from: "2026-05-03" },
  { date_to: "2026-05-01" },
  { file_type: "jpg_only" },
  { file_type: "raw_only" },
  { keep_type: "raw_jpg" },
  { keep_type: "none" },
  { orientation: "landscape" },
  { tags: ["sea", "hills"] },
  { text: "img" },
  { status: "generated" },
  { status: "pending" },
  { pending_deletion: false },
];

describe("matches", () => {
  it.each(HOLD)("holds for %o", (filter) => expect(matches(SHOWN, filter)).toBe(true));
  it.each(FAIL)("does not hold for %o", (filter) => expect(matches(SHOWN, filter)).toBe(false));
});

describe("mayMatchNow", () => {
  const told = { project_folder: "Trip", filename: "A", photo_id: 1, version: 2, updated_at: "2026-06-01T00:00:00Z" };
  const tagged = { ...told, tags: ["sea"] };
  const failed = { ...told, thumbnail_status: "failed", preview_status: "generated" } as const;

  it("asks about what the filter asks for", () => {
    expect(mayMatchNow(tagged, { tags: ["sea"] })).toBe(true);
    expect(mayMatchNow(failed, { status: "failed" })).toBe(true);
    expect(mayMatchNow({ ...told, keep_jpg: false }, { pending_deletion: true })).toBe(true);
    expect(mayMatchNow({ ...told, taken_at: "2026-01-01T00:00:00Z" }, { date_to: "2026-02-01" })).toBe(true);
    expect(mayMatchNow({ ...failed, change: "files" }, { file_type: "both" })).toBe(true);
  });

  it("asks about nothing else, however much happens", () => {
    const others: readonly PhotoFilter[] = [{}, { text: "A" }, { file_type: "any" }, { tags: [] }];
    for (const filter of others) expect(mayMatchNow(failed, filter)).toBe(false);
    expect(mayMatchNow(failed, { status: "pending" })).toBe(false);
    expect(mayMatchNow(failed, { tags: ["sea"], status: "failed" })).toBe(false);
    expect(mayMatchNow(tagged, { status: "failed" })).toBe(false);
  });
});

describe("pending deletion", () => {
  it("is of what is there and not kept", () => {
    const kept = photo(1, { keep_jpg: true, raw_available: false, keep_raw: false });
    expect([isPendingDeletion(SHOWN), isPendingDeletion(kept)]).toEqual([true, false]);
  });

  it("is of the whole photo where nothing that is there is kept", () => {
    const none = photo(1, { jpg_available: true, raw_available: false, keep_jpg: false, keep_raw: true });
    expect([isAllPendingDeletion(SHOWN), isAllPendingDeletion(none)]).toEqual([false, true]);
  });
});

describe("inProject", () => {
  it("is about the scope alone", () => {
    expect(inProject("Trip", { project_folder: "Trip", text: "none" })).toBe(true);
    expect(inProject("Trip", { project_folder: "Best" })).toBe(false);
  });
});
