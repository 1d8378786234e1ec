import type { Photo, PhotoFilter } from "../../api/types";
import { ListModel } from "../model";
import type { ListOrder } from "../order";
import type { PortionView } from "../portions";
import { seen } from "../sight";
import { photo } from "./photo";

export const NEWEST: ListOrder = { sort: "taken_at", descending: true };
const SIZE = 20;

/** Photos 10, 20 … 10 × count, newest first; those between can come later. */
export function photos(count: number): Photo[] {
  return Array.from({ length: count }, (_, at) => photo(10 * (count - at)));
}

export function portionsOf(all: readonly Photo[]): PortionView[] {
  const views: PortionView[] = [];
  for (let at = 0; at < all.length; at += SIZE) {
    const [first, last] = [all[at], all[Math.min(at + SIZE, all.length) - 1]];
    if (first === undefined || last === undefined) break;
    views.push({
      cursor: at === 0 ? null : `at ${at}`,
      photos: Math.min(SIZE, all.length - at),
      first_photo_id: first.id,
      first_value: first.taken_at,
      last_value: last.taken_at,
    });
  }
  return views;
}

/** A list of `count` photos in portions of 20, those of `loaded` loaded, seen through a view of 1000 × 800. */
export function listOf(count: number, loaded: readonly number[], filter: PhotoFilter = {}): ListModel {
  const model = new ListModel(NEWEST, filter);
  model.resize(1000, 800);
  const all = photos(count);
  model.takeFirstPage(all.slice(0, SIZE), count, true);
  model.takePortions(portionsOf(all));
  for (const at of loaded) {
    const portion = model.portions[at];
    if (portion !== undefined) model.takePage(portion, all.slice(at * SIZE, (at + 1) * SIZE));
  }
  return model;
}

/** Where photos in sight stand on the screen. */
export function onScreen(model: ListModel): Map<number, number> {
  return new Map(Array.from(seen(model), ({ entry, top }) => [entry.photo.id, top - model.top]));
}

/** The ids of a portion, as they stand. */
export function ids(model: ListModel, at: number): number[] {
  return model.portions[at]?.entries?.map((entry) => entry.photo.id) ?? [];
}

export const spoken = (id: number, version: number, folder = "Trip") => ({
  photo_id: id,
  project_folder: folder,
  filename: photo(id).filename,
  version,
  updated_at: "2026-06-02T00:00:00Z",
});
export const MADE = { thumbnail_status: "generated", preview_status: "generated" } as const;
export const added = (id: number) => ({ ...spoken(id, 1), change: "added", ...MADE }) as const;
