import type { Photo } from "../api/types";
import { dayAt, dayOf, titleOfDays } from "./dates";
import { aspectOf, type Measure, type Section } from "./layout";

/** What the sections of a portion depend on beside its photos. */
export interface Surroundings {
  /** When the last photo before the portion was taken, in UTC; null where nothing stands before it. */
  readonly before: string | null;
  /** The same of the first photo behind it. */
  readonly behind: string | null;
  /** How many photos at the head came later than the others, and stand in rows of their own. */
  readonly seam: number;
}

type Dated = Pick<Photo, "taken_at" | "taken_offset_minutes" | "width" | "height">;

interface Days {
  first: number;
  end: number;
  from: string;
  to: string;
  /** Sum of the aspects. */
  breadth: number;
}

/** Sections of a list that is not sorted by date: one, without a title. */
export function plainSections(count: number, { behind, seam }: Surroundings): Section[] {
  if (count === 0) return [];
  return cutAt(seam, [{ first: 0, end: count, title: null, goesOn: behind !== null }]);
}

/**
 * Sections by the days on which photos were taken.
 *
 * A day that fills a row has a section to itself. Lesser days that follow each other share one, so that a list of single
 * photos is not a list of headings.
 */
export function datedSections(photos: readonly Dated[], surroundings: Surroundings, measure: Measure): Section[] {
  const rowful = measure.width / measure.target;
  const groups = merged(daysOf(photos), rowful);
  const sections = groups.map(({ first, end, from, to }, at): Section => {
    const title = at === 0 && goesOnFrom(photos[0], surroundings.before) ? null : titleOfDays(from, to);
    const goesOn = at === groups.length - 1 && goesOnFrom(photos.at(-1), surroundings.behind);
    return { first, end, title, goesOn };
  });
  return cutAt(surroundings.seam, sections);
}

function daysOf(photos: readonly Dated[]): Days[] {
  const days: Days[] = [];
  for (const [at, photo] of photos.entries()) {
    const day = dayOf(photo);
    const last = days.at(-1);
    if (last?.to === day) {
      last.end = at + 1;
      last.breadth += aspectOf(photo);
    } else {
      days.push({ first: at, end: at + 1, from: day, to: day, breadth: aspectOf(photo) });
    }
  }
  return days;
}

function merged(days: readonly Days[], rowful: number): Days[] {
  const groups: Days[] = [];
  for (const day of days) {
    const last = groups.at(-1);
    if (last !== undefined && belongTogether(last, day, rowful)) {
      groups[groups.length - 1] = { ...last, end: day.end, to: day.to, breadth: last.breadth + day.breadth };
    } else {
      groups.push(day);
    }
  }
  return groups;
}

/** Lesser days of one month do; those of one year, as long as they fit into one row. */
function belongTogether(group: Days, day: Days, rowful: number): boolean {
  if (day.breadth >= rowful || group.breadth >= rowful) return false;
  const [one, other] = [group.from, day.to];
  if (one.slice(0, 7) === other.slice(0, 7)) return true;
  return one.slice(0, 4) === other.slice(0, 4) && group.breadth + day.breadth <= rowful;
}

/** Whether a neighbour taken at `time`, by the photo's own clock, is of the same day. */
function goesOnFrom(photo: Dated | undefined, time: string | null): boolean {
  return photo !== undefined && time !== null && dayAt(time, photo.taken_offset_minutes) === dayOf(photo);
}

/** Ends a row at the seam, without a heading. */
function cutAt(seam: number, sections: readonly Section[]): Section[] {
  return sections.flatMap((section) =>
    section.first < seam && seam < section.end
      ? [
          { ...section, end: seam, goesOn: true },
          { ...section, first: seam, title: null },
        ]
      : [section],
  );
}
