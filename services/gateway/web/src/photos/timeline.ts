import type { Sort } from "../view/search";
import { titleOfMonth } from "./dates";

/**
 * A stretch of a list: where it starts, how high it is, and what its first and last photos are sorted by.
 *
 * Of a row that is loaded nothing lies between: its last value is the first.
 */
export interface Stretch {
  readonly top: number;
  readonly height: number;
  readonly first: string | number;
  readonly last: string | number;
}

/** A place on the bar, from 0 at its head to 1 at its foot. One without a label is a dot. */
export interface Mark {
  readonly at: number;
  readonly label: string | null;
}

/** So far apart labels and dots stand at least, in CSS pixels. */
const BETWEEN_LABELS = 26;
const BETWEEN_DOTS = 7;

/**
 * The marks of the bar beside a list: its years, the first letters of its names, or its sizes; months are dots.
 *
 * `way` is how far the list can be scrolled, which is the whole bar.
 */
export function marksOf(stretches: readonly Stretch[], sort: Sort, barHeight: number, way: number): Mark[] {
  const places = sort === "taken_at" ? monthsOf(stretches) : wordsOf(stretches, sort === "size" ? sizeWord : letterOf);
  const onBar = places.map((place) => ({ ...place, at: place.at / Math.max(way, 1) }));
  return thinned(
    onBar.filter((place) => place.at <= 1),
    barHeight,
  );
}

/** What the list shows at a place of it: a month, a name, or a size. */
export function titleAt(stretches: readonly Stretch[], y: number, sort: Sort): string {
  const behind = stretches.findIndex((stretch) => stretch.top + stretch.height > y);
  const stretch = stretches[behind] ?? stretches.at(-1);
  if (stretch === undefined) return "";
  const part = Math.min(Math.max((y - stretch.top) / Math.max(stretch.height, 1), 0), 1);
  if (sort === "taken_at") return titleOfMonth(timeBetween(String(stretch.first), String(stretch.last), part));
  if (sort === "size") return sizeTitle(Number(stretch.first) + part * (Number(stretch.last) - Number(stretch.first)));
  return String(part < 0.5 ? stretch.first : stretch.last);
}

interface Place {
  readonly at: number;
  readonly word: string;
  /** Whether it is worth a label of its own. */
  readonly labelled: boolean;
}

function wordsOf(stretches: readonly Stretch[], wordOf: (value: string | number) => string): Place[] {
  const places: Place[] = [];
  for (const { top, first } of stretches) {
    const word = wordOf(first);
    if (word !== places.at(-1)?.word) places.push({ at: top, word, labelled: true });
  }
  return places;
}

/** Where months begin in the list; the first of a year has its label. */
function monthsOf(stretches: readonly Stretch[]): Place[] {
  const places: Place[] = [];
  let month = "";
  for (const { top, height, first, last } of stretches) {
    const [from, to] = [Date.parse(String(first)), Date.parse(String(last))];
    for (const begins of monthsBetween(String(first), String(last))) {
      if (begins.month === month) continue;
      const part = from === to ? 0 : Math.min(Math.max((begins.time - from) / (to - from), 0), 1);
      const labelled = begins.month.slice(0, 4) !== month.slice(0, 4);
      places.push({ at: top + part * height, word: begins.month.slice(0, 4), labelled });
      month = begins.month;
    }
  }
  return places;
}

interface MonthBegins {
  readonly month: string;
  readonly time: number;
}

/**
 * The months from one time to another, whichever is earlier, each with the moment at which the list gets to it.
 *
 * A stretch over many years may have photos in few of them: of that only the start is known.
 */
function monthsBetween(first: string, last: string): MonthBegins[] {
  const months: MonthBegins[] = [{ month: first.slice(0, 7), time: Date.parse(first) }];
  if (Math.abs(Date.parse(first) - Date.parse(last)) > LONG) return months;
  const step = first <= last ? 1 : -1;
  const end = last.slice(0, 7);
  let [year, month] = [Number(first.slice(0, 4)), Number(first.slice(5, 7))];
  while (months.at(-1)?.month !== end && months.length < MOST_MONTHS) {
    const time = Date.UTC(year, step > 0 ? month : month - 1);
    const next = new Date(Date.UTC(year, month - 1 + step));
    [year, month] = [next.getUTCFullYear(), next.getUTCMonth() + 1];
    months.push({ month: next.toISOString().slice(0, 7), time });
  }
  return months;
}

const LONG = 2 * 366 * 86_400_000;
const MOST_MONTHS = 30;

/** Leaves out what would stand too close: labels go before dots. */
function thinned(places: readonly Place[], barHeight: number): Mark[] {
  const labels: Mark[] = [];
  for (const { at, word, labelled } of places) {
    if (labelled && isFree(at, labels.slice(-1), BETWEEN_LABELS / barHeight)) labels.push({ at, label: word });
  }
  const dots: Mark[] = [];
  for (const { at } of places) {
    if (isFree(at, [...labels, ...dots.slice(-1)], BETWEEN_DOTS / barHeight)) dots.push({ at, label: null });
  }
  return [...labels, ...dots].sort((a, b) => a.at - b.at);
}

function isFree(at: number, marks: readonly Mark[], room: number): boolean {
  return marks.every((mark) => Math.abs(mark.at - at) >= room);
}

function letterOf(value: string | number): string {
  return String(value).slice(0, 1).toUpperCase();
}

function sizeWord(value: string | number): string {
  const size = Number(value);
  const unit = size < MB ? KB : MB;
  const steps = size / unit;
  const scale = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(steps, 1))));
  return `${Math.round(steps / scale) * scale} ${unit === MB ? "MB" : "KB"}`;
}

function sizeTitle(size: number): string {
  return size < MB ? `${Math.round(size / KB)} KB` : `${(size / MB).toFixed(1)} MB`;
}

const KB = 1000;
const MB = 1_000_000;

function timeBetween(first: string, last: string, part: number): string {
  const [from, to] = [Date.parse(first), Date.parse(last)];
  return new Date(from + part * (to - from)).toISOString();
}
