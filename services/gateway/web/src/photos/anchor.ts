import type { ListModel } from "./model";
import type { Key } from "./order";
import { portionFor } from "./portions";

/** What is to stay where it is on the screen: the first photo in the view, or where nothing is loaded, the portion. */
export interface Anchor {
  readonly id: number | null;
  readonly key: Key;
  /** How far below the top of the view it stands. */
  readonly offset: number;
}

export function anchorOf(model: ListModel): Anchor | null {
  for (const { portion, top, first } of model.slices(model.top, model.top + model.viewHeight)) {
    const row = portion.layout?.rows[first];
    const entry = row === undefined ? undefined : portion.entries?.[row.first];
    if (row === undefined || entry === undefined) continue;
    return { id: entry.photo.id, key: model.keyOf(entry.photo), offset: top + row.top - model.top };
  }
  const at = model.portionAt(model.top);
  const portion = model.portions[at];
  if (portion?.unknown) return null; // what is there will be about as high as it was thought to be
  return portion === undefined ? null : { id: null, key: portion.first, offset: model.topOf(at) - model.top };
}

/** Where the anchor stands in the list now. */
export function topOfAnchor(model: ListModel, anchor: Anchor): number {
  const box = anchor.id === null ? null : model.boxOf(anchor.id);
  return box?.top ?? model.topOf(portionFor(anchor.key, model.portions, model.order));
}
