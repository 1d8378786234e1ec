import type { Photo } from "../api/types";

/** English as it is written where the user is; the rest of the client is in English too. */
const LOCALE = globalThis.navigator?.languages.find((language) => language.startsWith("en")) ?? "en-GB";

const DAY = new Intl.DateTimeFormat(LOCALE, {
  weekday: "short",
  day: "numeric",
  month: "long",
  year: "numeric",
  timeZone: "UTC",
});
const DAYS = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
const MONTH = new Intl.DateTimeFormat(LOCALE, { month: "long", year: "numeric", timeZone: "UTC" });

const MINUTE = 60_000;

/** The day on which a photo was taken, by the clock where that was, as `2026-05-01`. */
export function dayOf(photo: Pick<Photo, "taken_at" | "taken_offset_minutes">): string {
  return dayAt(photo.taken_at, photo.taken_offset_minutes);
}

/** The day of a time in UTC, at a place that is `offsetMinutes` ahead of UTC. */
export function dayAt(time: string, offsetMinutes: number | null): string {
  const moment = Date.parse(time) + (offsetMinutes ?? 0) * MINUTE;
  return Number.isNaN(moment) ? time.slice(0, 10) : new Date(moment).toISOString().slice(0, 10);
}

/** `Fri, 1 May 2026`, or for several days `1–5 May 2026`, whichever of the two came first. */
export function titleOfDays(one: string, other: string): string {
  if (one === other) return DAY.format(dateOf(one));
  const [from, to] = one < other ? [one, other] : [other, one];
  return DAYS.formatRange(dateOf(from), dateOf(to));
}

/** `May 2026`. */
export function titleOfMonth(time: string): string {
  return MONTH.format(dateOf(time.slice(0, 10)));
}

function dateOf(day: string): Date {
  return new Date(`${day}T00:00:00Z`);
}
