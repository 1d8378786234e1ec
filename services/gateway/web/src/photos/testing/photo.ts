import type { Photo } from "../../api/types";

/** A photo for tests: later ids were taken later, a minute apart. */
export function photo(id: number, given: Partial<Photo> = {}): Photo {
  return {
    id,
    project_id: 1,
    project_folder: "Trip",
    project_name: "Trip",
    filename: `IMG_${String(id).padStart(5, "0")}`,
    jpg_available: true,
    raw_available: false,
    other_available: false,
    keep_jpg: true,
    keep_raw: false,
    keep_other: false,
    thumbnail_status: "generated",
    preview_status: "generated",
    derivative_reason: null,
    taken_at: new Date(Date.UTC(2026, 0, 1) + id * 60_000).toISOString().replace(".000Z", "Z"),
    taken_offset_minutes: null,
    size: 1000 * id,
    width: 3000,
    height: 2000,
    shape: "landscape",
    version: 1,
    created_at: "2026-06-01T00:00:00Z",
    updated_at: "2026-06-01T00:00:00Z",
    tags: [],
    ...given,
  };
}
