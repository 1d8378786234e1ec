/** The space that photos are laid out in, in CSS pixels. */
export interface Measure {
  readonly width: number;
  /** How high rows are meant to be. */
  readonly target: number;
  readonly gap: number;
  /** Height of a heading, with the space around it. */
  readonly heading: number;
}

/** Photos `first` to `end` (without it) under one title; with null as title they go on with the section before. */
export interface Section {
  readonly first: number;
  readonly end: number;
  readonly title: string | null;
  /** Whether more photos of the same section follow elsewhere, so that its last row should be full. */
  readonly goesOn: boolean;
}

/** Photos `first` to `end` (without it) side by side. */
export interface Row {
  readonly first: number;
  readonly end: number;
  readonly top: number;
  readonly height: number;
}

export interface Heading {
  readonly title: string;
  readonly top: number;
  /** The section's photos. */
  readonly first: number;
  readonly end: number;
}

/** Where everything stands; `lefts` and `widths` are by photo. All numbers are whole pixels. */
export interface Layout {
  readonly rows: readonly Row[];
  readonly headings: readonly Heading[];
  readonly lefts: Int32Array;
  readonly widths: Int32Array;
  readonly height: number;
}

/** Width by height of a photo whose size is not known. */
export const USUAL_ASPECT = 3 / 2;

const NARROWEST = 0.4;
const WIDEST = 4;

/** By how much a row that is not full may be higher than meant, so that it becomes full. */
const MOST_STRETCH = 1.5;
/** The same at the end of a section, where nobody misses a photo beside the last. */
const MOST_STRETCH_AT_END = 1.2;

/** Rows that became lower than this part of what is meant are not tried. */
const LOWEST_RATIO = 0.5;

/** How a photo is shown: as it is, but nothing so narrow or so wide that the rest of its row could not be seen. */
export function aspectOf(photo: { readonly width: number | null; readonly height: number | null }): number {
  if (!photo.width || !photo.height) return USUAL_ASPECT;
  return Math.min(Math.max(photo.width / photo.height, NARROWEST), WIDEST);
}

/** The measure for a list of some width: about three photos a row on a phone, rows of 200 px on a laptop. */
export function measureOf(width: number, withHeadings: boolean): Measure {
  const phone = width < 600;
  return {
    width,
    target: Math.round(Math.min(Math.max(60 + width * 0.12, 96), 260)),
    gap: phone ? 3 : 6,
    heading: withHeadings ? (phone ? 40 : 48) : 0,
  };
}

/** Lays out photos of these aspects in justified rows, section by section. Takes time in proportion to their number. */
export function layOut(aspects: readonly number[], sections: readonly Section[], measure: Measure): Layout {
  const lefts = new Int32Array(aspects.length);
  const widths = new Int32Array(aspects.length);
  const rows: Row[] = [];
  const headings: Heading[] = [];
  let top = 0;
  for (const section of sections) {
    if (section.title !== null) {
      headings.push({ title: section.title, top, first: section.first, end: section.end });
      top += measure.heading;
    }
    let first = section.first;
    for (const end of endsOfRows(aspects, section, measure)) {
      const unit = unitOf(aspects, first, end, measure, end === section.end ? mostStretch(section) : MOST_STRETCH);
      const height = Math.max(1, Math.round(unit));
      placeRow(aspects, first, end, unit, measure, lefts, widths);
      rows.push({ first, end, top, height });
      top += height + measure.gap;
      first = end;
    }
  }
  return { rows, headings, lefts, widths, height: top };
}

/** The rows that `from` to `to` lie in: their indexes, the second without it. */
export function rowsBetween(layout: Layout, from: number, to: number): readonly [number, number] {
  const first = firstRow(layout.rows, (row) => row.top + row.height > from);
  const end = firstRow(layout.rows, (row) => row.top >= to);
  return [first, Math.max(first, end)];
}

/** The index of the row that holds the photo at `index`. */
export function rowOf(layout: Layout, index: number): number {
  return firstRow(layout.rows, (row) => row.end > index);
}

function firstRow(rows: readonly Row[], holds: (row: Row) => boolean): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const row = rows[middle];
    if (row !== undefined && !holds(row)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Where the rows of a section end.
 *
 * Of all ways to break it, the one whose rows come nearest to the height that is meant: a row is never left to be too
 * high or too low because the rows before it took what would have fitted better.
 */
function endsOfRows(aspects: readonly number[], section: Section, measure: Measure): number[] {
  const { first, end } = section;
  const costs = new Float64Array(end - first + 1);
  const starts = new Int32Array(end - first + 1);
  for (let rowEnd = first + 1; rowEnd <= end; rowEnd += 1) {
    const best = bestStart(aspects, rowEnd, section, measure, costs);
    costs[rowEnd - first] = best.cost;
    starts[rowEnd - first] = best.start;
  }
  return collected(starts, first, end);
}

/** Where the row that ends at `rowEnd` best starts; `costs` says how bad the rows up to there are at least. */
function bestStart(
  aspects: readonly number[],
  rowEnd: number,
  { first, end, goesOn }: Section,
  measure: Measure,
  costs: Float64Array,
): { readonly start: number; readonly cost: number } {
  let best = { start: rowEnd - 1, cost: Number.POSITIVE_INFINITY };
  let ratio = Number.POSITIVE_INFINITY;
  let sum = 0;
  for (let start = rowEnd - 1; start >= first && ratio >= LOWEST_RATIO; start -= 1) {
    sum += aspects[start] ?? USUAL_ASPECT;
    ratio = (measure.width - measure.gap * (rowEnd - start - 1)) / sum / measure.target;
    const cost = (costs[start - first] ?? 0) + costOf(ratio, rowEnd === end && !goesOn);
    if (cost < best.cost) best = { start, cost };
  }
  return best;
}

function collected(starts: Int32Array, first: number, end: number): number[] {
  const ends: number[] = [];
  for (let rowEnd = end; rowEnd > first; rowEnd = starts[rowEnd - first] ?? first) ends.push(rowEnd);
  return ends.reverse();
}

/** How bad a row is that becomes `ratio` times as high as meant; at the end of a section it need not be full. */
function costOf(ratio: number, atEnd: boolean): number {
  if (ratio >= 1) return atEnd ? 0 : (ratio - 1) ** 2;
  return (1 / ratio - 1) ** 2;
}

function mostStretch(section: Section): number {
  return section.goesOn ? MOST_STRETCH : MOST_STRETCH_AT_END;
}

/** The height at which the row is full, not rounded, unless that were too high; then it is as high as meant. */
function unitOf(aspects: readonly number[], first: number, end: number, measure: Measure, most: number): number {
  let sum = 0;
  for (let at = first; at < end; at += 1) sum += aspects[at] ?? USUAL_ASPECT;
  const full = (measure.width - measure.gap * (end - first - 1)) / sum;
  return full > measure.target * most ? measure.target : full;
}

/** Gives each photo of the row its place. Edges are rounded, not widths, so that nothing adds up. */
function placeRow(
  aspects: readonly number[],
  first: number,
  end: number,
  unit: number,
  { gap }: Measure,
  lefts: Int32Array,
  widths: Int32Array,
): void {
  let left = 0;
  for (let at = first; at < end; at += 1) {
    const right = left + unit * (aspects[at] ?? USUAL_ASPECT);
    lefts[at] = Math.round(left);
    widths[at] = Math.max(1, Math.round(right) - Math.round(left));
    left = right + gap;
  }
}
