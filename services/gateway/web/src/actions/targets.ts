import type { Schemas } from "../api/types";
import { countOf, type Selection } from "../photos/selection";

export type Targets = Schemas["TargetSpec"];

/** The most photos that a request may name (docs/http.md). */
export const AT_ONCE = 2000;

/** What requests name, so that together they are about all that is selected: many photos take several. */
export function targetsOf(selection: Selection): readonly Targets[] {
  if (selection.kind === "matching") return [{ filter: selection.filter }];
  return portionsOf([...selection.refs.keys()]).map((photo_ids) => ({ photo_ids }));
}

function portionsOf(ids: readonly number[]): number[][] {
  const starts = Array.from({ length: Math.ceil(ids.length / AT_ONCE) }, (_, at) => at * AT_ONCE);
  return starts.map((start) => ids.slice(start, start + AT_ONCE));
}

/** `1 photo`, `1,200 photos`. */
export function photosInWords(count: number): string {
  return `${count.toLocaleString("en")} ${count === 1 ? "photo" : "photos"}`;
}

/** `12 photos`, or for a filter `all 1,200 photos that match`. */
export function selectionInWords(selection: Selection): string {
  const photos = photosInWords(countOf(selection));
  return selection.kind === "matching" ? `all ${photos} that match` : photos;
}
