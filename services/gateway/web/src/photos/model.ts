import type { Photo, PhotoFilter } from "../api/types";
import { anchorOf, topOfAnchor } from "./anchor";
import { type Entry, entryOf } from "./entries";
import { type Measure, measureOf, rowOf, rowsBetween } from "./layout";
import { compareKeys, type Key, keyOf, type ListOrder, placeOf } from "./order";
import {
  carryOver,
  heightPerPhoto,
  layOutPortion,
  type Portion,
  type PortionView,
  portionFor,
  portionOf,
  portionOfPhotos,
  tailOf,
} from "./portions";
import { Tops } from "./tops";

/** Where a photo that is loaded stands. */
export interface Spot {
  readonly portion: Portion;
  readonly index: number;
}

/** Rows `first` to `end` (without it) of a portion whose top is at `top` in the list. */
export interface Slice {
  readonly portion: Portion;
  readonly top: number;
  readonly first: number;
  readonly end: number;
}

/** The list starts here: what comes at its head is then seen at once. */
const AT_TOP = 4;

/**
 * A list of photos as it is laid out: all of it in portions, of which some are loaded, and the view on it.
 *
 * Whatever changes above the view, what is in the view stays where it is: `top` and `base` move along (`scrolling.ts`).
 */
export class ListModel {
  readonly order: ListOrder;
  readonly filter: PhotoFilter;
  /** Rises with each change that can be seen. */
  version = 0;
  /** Rises when the photos of a portion come or go. */
  loads = 0;
  portions: Portion[] = [];
  /** How many photos match; null until it is known. */
  total: number | null = null;
  totalExact = true;
  top = 0;
  viewHeight = 0;
  base = 0;
  measure: Measure;
  #perPhoto = 0;
  #tops: Tops | null = null;
  #used = 0;
  readonly #where = new Map<number, Portion>();

  constructor(order: ListOrder, filter: PhotoFilter) {
    this.order = order;
    this.filter = filter;
    this.measure = measureOf(1000, order.sort === "taken_at");
  }

  /** Height of the whole list. */
  get height(): number {
    return this.#allTops().height;
  }

  get atTop(): boolean {
    return this.top <= AT_TOP;
  }

  /** Where a portion starts in the list. */
  topOf(index: number): number {
    return this.#allTops().of(index);
  }

  /** The index of the portion that holds the place `y` of the list; -1 where there is none. */
  portionAt(y: number): number {
    return this.#allTops().at(y);
  }

  /** The portions, loaded or not, that `from` to `to` of the list lie in, with those of their rows that do. */
  slices(from: number, to: number): Slice[] {
    const slices: Slice[] = [];
    for (let at = Math.max(0, this.portionAt(from)); at < this.portions.length; at += 1) {
      const top = this.topOf(at);
      const portion = this.portions[at];
      if (portion === undefined || top >= to) break;
      const [first, end] = portion.layout === null ? [0, 0] : rowsBetween(portion.layout, from - top, to - top);
      slices.push({ portion, top, first, end });
    }
    return slices;
  }

  /** Where a photo stands, if it is loaded. */
  find(id: number): Spot | null {
    const portion = this.#where.get(id);
    const index = portion?.entries?.findIndex((entry) => entry.photo.id === id) ?? -1;
    return portion === undefined || index < 0 ? null : { portion, index };
  }

  entry(id: number): Entry | null {
    const spot = this.find(id);
    return spot?.portion.entries?.[spot.index] ?? null;
  }

  /** Where a photo that is loaded is in the list, and how high its row is. */
  boxOf(id: number): { readonly top: number; readonly height: number } | null {
    const spot = this.find(id);
    const layout = spot?.portion.layout;
    const row = spot === null || layout == null ? undefined : layout.rows[rowOf(layout, spot.index)];
    if (spot === null || row === undefined) return null;
    return { top: this.topOf(this.portions.indexOf(spot.portion)) + row.top, height: row.height };
  }

  /** Whether any of a portion is in the view. */
  isInSight(portion: Portion): boolean {
    const top = this.topOf(this.portions.indexOf(portion));
    return top < this.top + this.viewHeight && top + portion.height > this.top;
  }

  /** The view moved. */
  viewAt(top: number): void {
    this.top = top;
    this.version += 1;
  }

  /** The view has another size: all is laid out anew. */
  resize(width: number, viewHeight: number): void {
    this.viewHeight = viewHeight;
    const measure = measureOf(width, this.order.sort === "taken_at");
    if (measure.width === this.measure.width && measure.heading === this.measure.heading) return;
    this.keep(() => {
      this.measure = measure;
      this.#layOutAll();
    });
  }

  /** The first page of the list; of what follows, `takePortions` tells later. */
  takeFirstPage(photos: readonly Photo[], total: number, totalExact: boolean): void {
    const [first, ...rest] = photos;
    this.keep(() => {
      this.total = total;
      this.totalExact = totalExact;
      const portion = first === undefined ? null : portionOfPhotos([first, ...rest], null, this.order);
      const more = Math.max(0, total - photos.length);
      this.#setPortions(portion === null ? [] : [portion, ...(more > 0 ? [tailOf(portion, more)] : [])]);
    });
  }

  /** All portions, as the server told them. What is loaded stays if it is the same; `loaded` are pages of some, anew. */
  takePortions(views: readonly PortionView[], loaded: ReadonlyMap<number, readonly Photo[]> = new Map()): void {
    this.keep(() => {
      const known = new Map(this.portions.map((portion) => [portion.cursor, portion]));
      const portions = views.map((view) => portionOf(view, this.#perPhoto));
      for (const [at, portion] of portions.entries()) {
        const photos = loaded.get(at);
        const before = known.get(portion.cursor);
        if (photos !== undefined) portion.entries = photos.map(entryOf);
        else if (loaded.size === 0 && before?.entries != null) carryOver(before, portion, portions[at + 1], this.order);
      }
      this.total = views.reduce((sum, view) => sum + view.photos, 0);
      this.totalExact = true;
      this.#setPortions(portions);
    });
  }

  /** All photos of a portion. */
  takePage(portion: Portion, photos: readonly Photo[]): void {
    if (!this.portions.includes(portion)) return;
    this.keep(() => this.setEntries(portion, photos.map(entryOf)));
  }

  /** Forgets the photos of a portion; it stays as high as it is. */
  unload(portion: Portion): void {
    for (const entry of portion.entries ?? []) this.#where.delete(entry.photo.id);
    portion.count = portion.entries?.filter((entry) => entry.ghost === null).length ?? portion.count;
    portion.entries = null;
    portion.layout = null;
    portion.seam = 0;
    this.loads += 1;
  }

  /** Remembers that a portion was wanted now. */
  use(portion: Portion): void {
    this.#used += 1;
    portion.used = this.#used;
  }

  /** The portion that holds what has this key, loaded or not. */
  portionOfKey(key: Key): Portion | undefined {
    return this.portions[portionFor(key, this.portions, this.order)];
  }

  keyOf(photo: Photo): Key {
    return keyOf(photo, this.order.sort);
  }

  /** The index before which a photo belongs among those of its portion. */
  placeIn(portion: Portion, photo: Photo): number {
    return placeOf(this.keyOf(photo), portion.entries ?? [], (entry) => this.keyOf(entry.photo), this.order);
  }

  /** The key of what is first in the view; null at the top of the list. */
  keyInSight(): Key | null {
    return this.atTop ? null : (anchorOf(this)?.key ?? null);
  }

  isBefore(a: Key, b: Key): boolean {
    return compareKeys(a, b, this.order) < 0;
  }

  /** Puts entries into a portion and lays it out; call it within `keep`. */
  setEntries(portion: Portion, entries: readonly Entry[]): void {
    for (const entry of portion.entries ?? []) this.#where.delete(entry.photo.id);
    for (const entry of entries) this.#where.set(entry.photo.id, portion);
    portion.entries = entries;
    portion.count = entries.length;
    this.loads += 1;
    this.layOut(portion);
  }

  /** Lays out one portion anew; call it within `keep`. */
  layOut(portion: Portion): void {
    const at = this.portions.indexOf(portion);
    layOutPortion(portion, this.portions[at - 1], this.portions[at + 1], this.order, this.measure);
    this.#tops = null;
  }

  /** Puts another entry in the place of one, which stands where it stood. */
  replace({ portion, index }: Spot, entry: Entry): void {
    if (portion.entries === null) return;
    portion.entries = portion.entries.with(index, entry);
    this.version += 1;
  }

  /** A list that had no photos gets its first. */
  beginWith(photo: Photo): void {
    this.keep(() => this.#setPortions([portionOfPhotos([photo], null, this.order)]));
  }

  /** Changes the list so that what is in the view stays where it is; at the very top, the top stays in the view. */
  keep(change: () => void): void {
    const anchor = this.atTop ? null : anchorOf(this);
    change();
    this.version += 1;
    if (anchor === null) return;
    const moved = topOfAnchor(this, anchor) - anchor.offset - this.top;
    this.top += moved;
    this.base += moved;
  }

  #setPortions(portions: Portion[]): void {
    this.portions = portions;
    this.#where.clear();
    for (const portion of portions) {
      for (const entry of portion.entries ?? []) this.#where.set(entry.photo.id, portion);
      if (portion.entries !== null) portion.count = portion.entries.length;
    }
    this.#layOutAll();
  }

  #layOutAll(): void {
    for (const portion of this.portions) {
      if (portion.entries !== null) this.layOut(portion);
    }
    this.#perPhoto = heightPerPhoto(this.portions, this.measure);
    for (const portion of this.portions) {
      if (portion.layout === null) portion.height = Math.round(portion.count * this.#perPhoto);
    }
    this.#tops = null;
  }

  #allTops(): Tops {
    this.#tops ??= new Tops(this.portions);
    return this.#tops;
  }
}
