import type { Photo, Schemas } from "../api/types";
import { type Entry, entryOf } from "./entries";
import { type Layout, layOut, type Measure, USUAL_ASPECT } from "./layout";
import { compareKeys, type Key, keyOf, type ListOrder, placeOf } from "./order";
import { datedSections, plainSections } from "./sections";

export type PortionView = Schemas["PortionView"];

/** How many photos a portion has, and the first page, which becomes the first portion. */
export const PORTION = 200;

/**
 * Photos that follow each other in the list: loaded, or only known to be there.
 *
 * It holds every photo from `first` on, up to the first of the next portion; the first portion of a list holds whatever
 * stands before that.
 */
export interface Portion {
  /** Starts the list at the portion; null is the start of the list. */
  readonly cursor: string | null;
  readonly first: Key;
  /** What its last photo is sorted by. */
  last: string | number;
  /** How many photos it has, as far as is known. */
  count: number;
  entries: readonly Entry[] | null;
  layout: Layout | null;
  /** Of its layout, or else about as high as it will be. */
  height: number;
  /** How many photos came to its head while it was in sight; they stand in rows of their own. */
  seam: number;
  /** Rises with each use. */
  used: number;
  /** Stands for all that follows, of which nothing is known but about how much it is. */
  readonly unknown: boolean;
}

/** What follows the first page, until it is known how it is cut into portions. */
export function tailOf(first: Portion, count: number): Portion {
  const behind = { value: first.last, id: first.entries?.at(-1)?.photo.id ?? 0 };
  const nothing = { entries: null, layout: null, height: 0, seam: 0, used: 0 };
  return { cursor: TAIL, first: behind, last: first.last, count, ...nothing, unknown: true };
}

const TAIL = "what follows";

/** The portion that the server tells of, not loaded. */
export function portionOf(view: PortionView, perPhoto: number): Portion {
  return {
    cursor: view.cursor,
    first: { value: view.first_value, id: view.first_photo_id },
    last: view.last_value,
    count: view.photos,
    entries: null,
    layout: null,
    height: Math.round(view.photos * perPhoto),
    seam: 0,
    used: 0,
    unknown: false,
  };
}

/** A portion made of the photos themselves, at least one. */
export function portionOfPhotos(
  photos: readonly [Photo, ...Photo[]],
  cursor: string | null,
  order: ListOrder,
): Portion {
  const last = photos.at(-1) ?? photos[0];
  return {
    cursor,
    first: keyOf(photos[0], order.sort),
    last: last[order.sort],
    count: photos.length,
    entries: photos.map(entryOf),
    layout: null,
    height: 0,
    seam: 0,
    used: 0,
    unknown: false,
  };
}

/** The index of the portion that holds what has this key. */
export function portionFor(key: Key, portions: readonly Portion[], order: ListOrder): number {
  const behind = placeOf(key, portions, (portion) => portion.first, order);
  const next = portions[behind];
  const starts = next !== undefined && compareKeys(next.first, key, order) === 0;
  return starts ? behind : Math.max(0, behind - 1);
}

/** Lays out a portion that is loaded; of its neighbours it must be known how they end and begin. */
export function layOutPortion(
  portion: Portion,
  before: Portion | undefined,
  behind: Portion | undefined,
  order: ListOrder,
  measure: Measure,
): void {
  if (portion.entries === null) return;
  const entries = portion.entries;
  const around = {
    before: before === undefined ? null : String(before.last),
    behind: behind === undefined ? null : String(behind.first.value),
    seam: portion.seam,
  };
  const sections =
    order.sort === "taken_at"
      ? datedSections(
          entries.map((entry) => entry.photo),
          around,
          measure,
        )
      : plainSections(entries.length, around);
  portion.layout = layOut(
    entries.map((entry) => entry.aspect),
    sections,
    measure,
  );
  portion.height = portion.layout.height;
}

/** Height for each photo of the portions that are laid out; else as photos of usual aspects need. */
export function heightPerPhoto(portions: readonly Portion[], measure: Measure): number {
  const laidOut = portions.filter((portion) => portion.layout !== null && portion.count > 0);
  const photos = laidOut.reduce((sum, portion) => sum + portion.count, 0);
  if (photos > 0) return laidOut.reduce((sum, portion) => sum + portion.height, 0) / photos;
  return ((measure.target + measure.gap) * (USUAL_ASPECT * measure.target + measure.gap)) / measure.width;
}

/** Takes over what is loaded of a portion, up to where the next one starts. */
export function carryOver(before: Portion, portion: Portion, next: Portion | undefined, order: ListOrder): void {
  const entries = before.entries ?? [];
  const keyOfEntry = (entry: Entry) => keyOf(entry.photo, order.sort);
  const end = next === undefined ? entries.length : placeOf(next.first, entries, keyOfEntry, order);
  portion.entries = entries.slice(0, end);
  portion.seam = Math.min(before.seam, end);
}
