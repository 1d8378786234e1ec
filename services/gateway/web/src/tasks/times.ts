const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How much longer something takes, as exactly as anybody needs it. */
export function remainingWords(seconds: number): string {
  if (seconds < 10) return "a few seconds left";
  if (seconds < MINUTE) return "less than a minute left";
  return `about ${amount(seconds)} left`;
}

/** How long something took, or lies apart: “850 ms”, “12.4 s”, “3 min 5 s”, “2 h 10 min”. */
export function durationWords(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < MINUTE) return `${(Math.floor(seconds * 10) / 10).toLocaleString()} s`;
  if (seconds < HOUR) return two(seconds, MINUTE, "min", 1, "s");
  if (seconds < DAY) return two(seconds, HOUR, "h", MINUTE, "min");
  return two(seconds, DAY, "d", HOUR, "h");
}

/** An interval of a schedule: “10 minutes”, “1 hour”, “90 seconds”. */
export function intervalWords(seconds: number): string {
  for (const [size, word] of [
    [DAY, "day"],
    [HOUR, "hour"],
    [MINUTE, "minute"],
  ] as const) {
    if (seconds >= size && seconds % size === 0) return plural(seconds / size, word);
  }
  return plural(seconds, "second");
}

const DATE_AND_TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const TIME_OF_DAY = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const DAY_AND_TIME = new Intl.DateTimeFormat(undefined, {
  month: "short",
  day: "numeric",
  hour: "numeric",
  minute: "2-digit",
});

/** The whole of a time, for a title. */
export function fullTime(iso: string): string {
  return DATE_AND_TIME.format(new Date(iso));
}

export function timeWithSeconds(iso: string): string {
  return TIME.format(new Date(iso));
}

/** When something was, or will be, as seen from `now`: “just now”, “5 minutes ago”, “in 2 hours”, “14:05”, “3 Mar, 14:05”. */
export function whenWords(iso: string, now: number): string {
  const then = Date.parse(iso);
  const apart = Math.abs(then - now) / 1000;
  if (apart < 45) return then > now + 5000 ? "in a moment" : "just now";
  if (apart < 6 * HOUR) return then > now ? `in ${amount(apart)}` : `${amount(apart)} ago`;
  const sameDay = new Date(then).toDateString() === new Date(now).toDateString();
  return sameDay ? TIME_OF_DAY.format(then) : DAY_AND_TIME.format(then);
}

function amount(seconds: number): string {
  if (seconds < 90) return "a minute";
  if (seconds < 55 * MINUTE) return plural(Math.round(seconds / MINUTE), "minute");
  if (seconds < 1.5 * HOUR) return "an hour";
  if (seconds < 36 * HOUR) return plural(Math.round(seconds / HOUR), "hour");
  return plural(Math.round(seconds / DAY), "day");
}

function plural(count: number, word: string): string {
  return `${count.toLocaleString()} ${word}${count === 1 ? "" : "s"}`;
}

function two(seconds: number, large: number, largeWord: string, small: number, smallWord: string): string {
  const whole = Math.floor(seconds / large);
  const rest = Math.floor((seconds - whole * large) / small);
  return rest === 0 ? `${whole} ${largeWord}` : `${whole} ${largeWord} ${rest} ${smallWord}`;
}
