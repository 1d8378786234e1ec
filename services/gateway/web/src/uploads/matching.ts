import type { Found } from "./gathering";
import type { Item } from "./item";

interface Matched {
  /** Files that were found again, each with its bytes. */
  readonly again: readonly (readonly [Item, Found])[];
  readonly unknown: readonly Found[];
}

/** Finds the files that a reload has interrupted among those that are dropped anew: same name, size and time. */
export function match(lost: Iterable<Item>, files: readonly Found[]): Matched {
  const known = new Map<string, Item[]>();
  for (const item of lost) {
    const key = keyOf(item.path, item.size, item.modifiedAt);
    known.set(key, [...(known.get(key) ?? []), item]);
  }
  const again: (readonly [Item, Found])[] = [];
  const unknown: Found[] = [];
  for (const found of files) {
    const alike = known.get(keyOf(found.path, found.file.size, found.file.lastModified)) ?? [];
    const item = alike.find(({ path }) => path === found.path) ?? alike[0];
    if (item === undefined) unknown.push(found);
    else {
      alike.splice(alike.indexOf(item), 1);
      again.push([item, found]);
    }
  }
  return { again, unknown };
}

/** A folder may be dropped the first time and its files the second: the name alone counts, not where it lies. */
function keyOf(path: string, size: number, modifiedAt: number): string {
  return `${path.slice(path.lastIndexOf("/") + 1)}/${size}/${modifiedAt}`;
}
