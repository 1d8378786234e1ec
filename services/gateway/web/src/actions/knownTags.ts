import { useQuery } from "@tanstack/react-query";
import { api, bodyOf } from "../api/client";
import type { Photo, PhotoFilter } from "../api/types";
import type { Selection } from "../photos/selection";
import { readTexts, rememberTexts } from "./remembered";

const KEPT = "photobus-tags";
const MOST = 100;

/** The most photos that the API tells of at once. */
const AT_ONCE = 500;

/** A tag, and how many of the photos that were looked at have it. */
export interface TagCount {
  readonly tag: string;
  readonly count: number;
}

/** Tags that were given in this browser, the last first. */
export function recentTags(): readonly string[] {
  return readTexts(KEPT);
}

export function rememberTags(tags: readonly string[]): void {
  if (tags.length > 0) rememberTexts(KEPT, tags, MOST);
}

/** The tags that photos have, the most usual first. */
export function countTags(photos: readonly Pick<Photo, "tags">[]): readonly TagCount[] {
  const counts = new Map<string, number>();
  for (const tag of photos.flatMap((photo) => photo.tags)) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  const counted = [...counts].map(([tag, count]) => ({ tag, count }));
  return counted.toSorted((a, b) => b.count - a.count || a.tag.localeCompare(b.tag));
}

/** The tags that the selection has, by its first 500 photos. */
export function useTagsOf(selection: Selection): readonly TagCount[] {
  const ids = selection.kind === "photos" ? [...selection.refs.keys()].slice(0, AT_ONCE) : null;
  const { data } = useQuery({
    queryKey: ["tags of", ids ?? (selection.kind === "matching" && selection.filter)],
    staleTime: 0,
    gcTime: 0,
    queryFn: async ({ signal }) => countTags(await photosOf(selection, ids, signal)),
  });
  return data ?? [];
}

async function photosOf(
  selection: Selection,
  ids: readonly number[] | null,
  signal: AbortSignal,
): Promise<readonly Photo[]> {
  if (selection.kind === "matching") {
    const query = { ...present(selection.filter), limit: AT_ONCE };
    return (await bodyOf(api.GET("/api/photos", { params: { query }, signal }))).items;
  }
  if (ids === null || ids.length === 0) return [];
  const query = { photo_ids: [...ids] };
  return (await bodyOf(api.GET("/api/photos/among", { params: { query }, signal }))).items;
}

type Present<Filter> = { [Name in keyof Filter]: NonNullable<Filter[Name]> };

/** The filter as an address has it, where what is null cannot be written. */
function present(filter: PhotoFilter): Present<PhotoFilter> {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== null));
}
