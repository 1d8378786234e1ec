import { api, bodyOf } from "../api/client";
import type { Drop } from "./drop";
import type { Analysis, Item } from "./item";

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

/** How the thumbnails of photos stand, of at most 500. */
export async function thumbnailsOf(photoIds: readonly number[]) {
  const { items } = await bodyOf(api.GET("/api/photos/among", { params: { query: { photo_ids: [...photoIds] } } }));
  return items.map(({ id, thumbnail_status }) => [id, thumbnail_status] as const);
}
