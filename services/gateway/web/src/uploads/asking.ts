import { api, bodyOf } from "../api/client";
import type { Drop } from "./drop";
import type { Analysis, Item } from "./item";
import type { Thumbnails } from "./thumbnails";

/** How many files one question holds: well below the server's limits of files and of bytes. */
export const PORTION = 500;

/** Asks what would become of each file, in their order. */
export async function analyze(drop: Drop, items: readonly Item[], signal: AbortSignal): Promise<readonly Analysis[]> {
  const files = items.map(({ name, size, md5 }) => (md5 === null ? { name, size } : { name, size, md5 }));
  const call = api.POST("/api/projects/{folder}/analyze-files", {
    params: { path: { folder: drop.folder } },
    body: { files },
    signal,
  });
  return (await bodyOf(call)).files;
}

/** Tells how the thumbnails of photos stand, portion by portion; what cannot be read now, messages tell later. */
export async function readThumbnails(photoIds: readonly number[], thumbnails: Thumbnails): Promise<void> {
  for (let at = 0; at < photoIds.length; at += PORTION) {
    const query = { photo_ids: photoIds.slice(at, at + PORTION) };
    const told = await bodyOf(api.GET("/api/photos/among", { params: { query } })).catch(() => null);
    for (const { id, thumbnail_status } of told?.items ?? []) thumbnails.hear(id, thumbnail_status);
  }
}
