import type { Photo } from "../api/types";
import type { ListModel } from "./model";
import type { Key } from "./order";
import type { PortionView } from "./portions";
import { beyond, type ListSource } from "./source";

/** A list read anew: its portions, and by their index the photos of those that are looked at. */
export interface Anew {
  readonly views: readonly PortionView[];
  readonly loaded: ReadonlyMap<number, readonly Photo[]>;
}

/** Reads all portions of a list, and the photos around those that are looked at, so that they need not go meanwhile. */
export async function readAnew(model: ListModel, source: ListSource, signal: AbortSignal): Promise<Anew> {
  const views = await source.portions(signal);
  const firsts = views.map((view): Key => ({ value: view.first_value, id: view.first_photo_id }));
  const looked = model.keyInSight();
  const behind = looked === null ? 1 : firsts.findIndex((first) => model.isBefore(looked, first));
  const at = behind < 0 ? views.length - 1 : Math.max(0, behind - 1);
  const loaded = new Map<number, readonly Photo[]>();
  for (const index of [at, at + 1]) {
    const view = views[index];
    if (view === undefined) continue;
    const isBeyond = beyond(firsts[index + 1], (photo, end) => model.isBefore(model.keyOf(photo), end));
    loaded.set(index, await source.stretch(view.cursor, view.photos, isBeyond, signal));
  }
  return { views, loaded };
}
