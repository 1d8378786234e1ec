import type { Photo, Schemas } from "../api/types";
import type { LiveMessage } from "../live/messages";
import { patched } from "../photos/entries";

/** The part of a list that is known around the photo that is shown, in the list's order. */
export interface Strip {
  readonly photos: readonly Photo[];
  /** Where its first photo stands in the list, from 0; null where the photo is in no list. */
  readonly start: number | null;
  readonly prev: string | null;
  readonly next: string | null;
  /** Photos that are in the list no more. They are passed over. */
  readonly gone: ReadonlySet<number>;
}

const NONE: ReadonlySet<number> = new Set();

export function located(page: Schemas["LocatedPage"]): Strip {
  const { items, position, idx_in_items, prev_cursor, next_cursor } = page;
  return { photos: items, start: position - idx_in_items, prev: prev_cursor, next: next_cursor, gone: NONE };
}

/** Of a photo that is not in the list: it has no neighbours. */
export const ALONE: Strip = { photos: [], start: null, prev: null, next: null, gone: NONE };

type Page = Pick<Schemas["PhotoList"], "items" | "prev_cursor" | "next_cursor">;

/** The strip with the page that stands before it, or behind it. */
export function extended(strip: Strip, side: "prev" | "next", page: Page): Strip {
  const known = new Set(strip.photos.map(({ id }) => id));
  const fresh = page.items.filter(({ id }) => !known.has(id));
  if (side === "next") return { ...strip, photos: [...strip.photos, ...fresh], next: page.next_cursor };
  const start = strip.start === null ? null : Math.max(0, strip.start - fresh.length);
  return { ...strip, photos: [...fresh, ...strip.photos], start, prev: page.prev_cursor };
}

export function photoIn(strip: Strip, id: number): Photo | undefined {
  return strip.photos.find((photo) => photo.id === id);
}

/** The photo that stands `step` (1 or -1) from this one, passing over those that are gone. */
export function neighbour(strip: Strip, id: number, step: 1 | -1): Photo | undefined {
  let at = strip.photos.findIndex((photo) => photo.id === id);
  if (at < 0) return undefined;
  do at += step;
  while (strip.gone.has(strip.photos[at]?.id ?? 0));
  return strip.photos[at];
}

/** Where a photo stands in the list, from 1; null where that is not known. */
export function placeOf(strip: Strip, id: number): number | null {
  const at = strip.photos.findIndex((photo) => photo.id === id);
  return at < 0 || strip.start === null ? null : strip.start + at + 1;
}

/** How near the photo may come to an end of the strip before more of the list is read. */
const MARGIN = 6;

/** The side on which more of the list has to be read; null while there is enough. */
export function lacking(strip: Strip, id: number): "prev" | "next" | null {
  const at = strip.photos.findIndex((photo) => photo.id === id);
  if (at < 0) return null;
  if (strip.next !== null && at >= strip.photos.length - MARGIN) return "next";
  return strip.prev !== null && at < MARGIN ? "prev" : null;
}

/** Follows a live message: photos change in place; those that leave the list are passed over, until they are back. */
export function stripAfter(strip: Strip, message: LiveMessage, projectFilter: string | null): Strip {
  switch (message.name) {
    case "item": {
      const { photo_id, version, change } = message.data;
      const known = photoIn(strip, photo_id);
      if (known === undefined || version <= known.version) return strip;
      const photos = strip.photos.map((photo) => (photo === known ? patched(photo, message.data) : photo));
      return { ...strip, photos, gone: change === "restored" ? without(strip.gone, photo_id) : strip.gone };
    }
    case "item_removed":
      return photoIn(strip, message.data.photo_id) === undefined
        ? strip
        : { ...strip, gone: new Set([...strip.gone, message.data.photo_id]) };
    case "item_moved":
      return projectFilter === null || projectFilter === message.data.project_folder
        ? { ...strip, gone: without(strip.gone, message.data.photo_id) }
        : strip;
    case "project_canceled": {
      const { project_folder } = message.data;
      const left = strip.photos.filter((photo) => photo.project_folder === project_folder);
      return { ...strip, gone: new Set([...strip.gone, ...left.map(({ id }) => id)]) };
    }
    default:
      return strip;
  }
}

function without(ids: ReadonlySet<number>, id: number): ReadonlySet<number> {
  const left = new Set(ids);
  return left.delete(id) ? left : ids;
}
