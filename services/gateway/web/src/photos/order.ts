import type { Photo } from "../api/types";
import type { Sort } from "../view/search";

/** In which order a list stands. Ties are broken by the id, in the same direction. */
export interface ListOrder {
  readonly sort: Sort;
  readonly descending: boolean;
}

/** Where a photo stands in a list of some order: what it is sorted by, and its id. */
export interface Key {
  readonly value: string | number;
  readonly id: number;
}

/** The key of a photo in lists sorted by `sort`. */
export function keyOf(photo: Photo, sort: Sort): Key {
  return { value: photo[sort], id: photo.id };
}

/** Negative where `a` stands before `b` in a list of this order. */
export function compareKeys(a: Key, b: Key, order: ListOrder): number {
  const upward = compareValues(a.value, b.value, order.sort) || a.id - b.id;
  return order.descending ? -upward : upward;
}

/** The index before which `key` belongs among `items`, which stand in this order. */
export function placeOf<Item>(
  key: Key,
  items: readonly Item[],
  keyOfItem: (item: Item) => Key,
  order: ListOrder,
): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const item = items[middle];
    if (item !== undefined && compareKeys(keyOfItem(item), key, order) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function compareValues(a: string | number, b: string | number, sort: Sort): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (sort === "taken_at") return compareText(momentOf(String(a)), momentOf(String(b)));
  return compareText(String(a), String(b));
}

/** A time in UTC without its zone, so that one with a fraction of a second stands behind the full second. */
function momentOf(time: string): string {
  return time.replace(/(?:Z|\+00:00)$/, "");
}

/** Compares by code points, as Postgres does in the locale C.UTF-8, and not by UTF-16 units, as `<` does. */
function compareText(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let at = 0; at < shorter; at += 1) {
    const unitOfA = a.charCodeAt(at);
    const unitOfB = b.charCodeAt(at);
    if (unitOfA !== unitOfB) return rankOf(unitOfA) - rankOf(unitOfB);
  }
  return a.length - b.length;
}

const FIRST_SURROGATE = 0xd800;
const BEHIND_SURROGATES = 0xe000;

/** Surrogates stand for code points above all others. */
function rankOf(unit: number): number {
  return unit >= FIRST_SURROGATE && unit < BEHIND_SURROGATES ? unit + BEHIND_SURROGATES : unit;
}
