import type { Photo } from "../api/types";
import { type Entry, refOf } from "./entries";
import { untilDone } from "./loading";
import type { Spot } from "./model";
import type { Key } from "./order";
import type { PhotoList } from "./photoList";
import type { PhotoRef } from "./photoRef";
import type { Portion } from "./portions";

/** Most photos of a range that are picked one by one. */
export const MOST_IN_RANGE = 10_000;

/** Where a photo stands in the list, also where nothing is loaded; null if it is not in it. */
export async function locate(list: PhotoList, id: number, signal: AbortSignal): Promise<Spot | null> {
  const known = list.model.find(id);
  if (known !== null) return known;
  const [photo] = await untilDone(() => list.source.among([id], signal), signal);
  const portion = photo === undefined ? undefined : list.model.portionOfKey(list.model.keyOf(photo));
  if (portion === undefined) return null;
  await list.loader.ensure(portion);
  return list.model.find(id);
}

/** The photo `step` places behind the one at `spot`, loaded if need be; null beyond the ends of the list. */
export async function stepFrom(list: PhotoList, spot: Spot, step: 1 | -1): Promise<Photo | null> {
  const { portions } = list.model;
  let { portion, index } = spot;
  for (;;) {
    index += step;
    const entry = portion.entries?.[index];
    if (entry !== undefined && isThere(entry)) return entry.photo;
    if (entry !== undefined) continue;
    const next = portions[portions.indexOf(portion) + step];
    if (next === undefined) return null;
    await list.loader.ensure(next);
    portion = next;
    index = step > 0 ? -1 : (next.entries?.length ?? 0);
  }
}

/**
 * The photos from `a` to `b`, both included, whichever stands first, also those that are not loaded.
 *
 * Null where they are more than can be picked one by one.
 */
export async function refsBetween(list: PhotoList, a: Key, b: Key, signal: AbortSignal): Promise<PhotoRef[] | null> {
  const { model } = list;
  const [from, to] = model.isBefore(b, a) ? [b, a] : [a, b];
  const first = model.portionOfKey(from);
  const last = model.portionOfKey(to);
  if (first === undefined || last === undefined) return [];
  const between = model.portions.slice(model.portions.indexOf(first), model.portions.indexOf(last) + 1);
  const inside = between.slice(1, -1).reduce((sum, portion) => sum + portion.count, 0);
  if (inside > MOST_IN_RANGE) return null;
  const isIn = (photo: Photo): boolean => {
    const key = model.keyOf(photo);
    return !model.isBefore(key, from) && !model.isBefore(to, key);
  };
  const refs: PhotoRef[] = [];
  for (const portion of between) refs.push(...(await photosOf(list, portion, signal)).filter(isIn).map(refOf));
  return refs.length > MOST_IN_RANGE ? null : refs;
}

/** All photos of the list. */
export async function allRefs(list: PhotoList, signal: AbortSignal): Promise<PhotoRef[]> {
  const refs: PhotoRef[] = [];
  for (const portion of list.model.portions) refs.push(...(await photosOf(list, portion, signal)).map(refOf));
  return refs;
}

/** The photos of a portion; one that is not loaded is read, but not kept. */
async function photosOf(list: PhotoList, portion: Portion, signal: AbortSignal): Promise<readonly Photo[]> {
  if (portion.entries !== null) return portion.entries.filter(isThere).map((entry) => entry.photo);
  return list.loader.read(portion, signal);
}

/** Whether the photo can still be looked at and worked on. */
export function isThere(entry: Entry): boolean {
  return entry.ghost === null || entry.ghost.kind === "unmatched";
}
