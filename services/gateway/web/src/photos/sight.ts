import type { Entry } from "./entries";
import type { ListModel } from "./model";

/** A photo with where it stands in the list. */
export interface Seen {
  readonly entry: Entry;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** The photos that are loaded and in rows between two places of the list. */
export function* seenBetween(model: ListModel, from: number, to: number): Generator<Seen> {
  for (const { portion, top, first, end } of model.slices(from, to)) {
    const { layout, entries } = portion;
    if (layout === null || entries === null) continue;
    for (const row of layout.rows.slice(first, end)) {
      for (const [at, entry] of entries.slice(row.first, row.end).entries()) {
        const [left, width] = [layout.lefts[row.first + at] ?? 0, layout.widths[row.first + at] ?? 0];
        yield { entry, left, top: top + row.top, width, height: row.height };
      }
    }
  }
}

/** The photos that are in the view. */
export function seen(model: ListModel): Generator<Seen> {
  return seenBetween(model, model.top, model.top + model.viewHeight);
}
