const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"] as const;
const SHORT_DAYS: readonly string[] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/** A cron expression of six fields (second, minute, hour, day, month, day of the week; UTC) in words, as far as these are simple. */
export function cronWords(expression: string): string {
  const fields = expression.trim().toLowerCase().split(/\s+/);
  const [second, minute, hour, day, month, weekday] = fields;
  const simple = fields.length === 6 && month === "*" && second !== undefined && /^\d{1,2}$/.test(second);
  const when = simple && minute && hour && day && weekday ? wordsOf({ second, minute, hour, day, weekday }) : null;
  return when ?? `By “${expression.trim()}”, in UTC`;
}

interface Fields {
  readonly second: string;
  readonly minute: string;
  readonly hour: string;
  readonly day: string;
  readonly weekday: string;
}

function wordsOf(fields: Fields): string | null {
  const days = daysOf(fields);
  if (days === null) return null;
  const often = days === "" ? oftenOf(fields) : null;
  if (often !== null) return often;
  const time = timeOf(fields);
  return time === null ? null : `${days === "" ? "Every day" : days} at ${time} UTC`;
}

/** Which days, as words: an empty word is all of them; null is more than can be said simply. */
function daysOf({ day, weekday }: Fields): string | null {
  if (day === "*" && weekday === "*") return "";
  if (day === "*") return weekdaysOf(weekday);
  return weekday === "*" && /^\d{1,2}$/.test(day) ? `On day ${Number(day)} of each month` : null;
}

function weekdaysOf(field: string): string | null {
  const range = /^(\w+)-(\w+)$/.exec(field);
  if (range !== null) {
    const [from, to] = [dayName(range[1]), dayName(range[2])];
    return from === null || to === null ? null : `From ${from} to ${to}`;
  }
  const names = field.split(",").map(dayName);
  if (names.some((name) => name === null)) return null;
  return `Every ${names.join(", ").replace(/, ([^,]*)$/, " and $1")}`;
}

function dayName(word: string | undefined): string | null {
  if (word === undefined) return null;
  const at = /^[0-6]$/.test(word) ? Number(word) : SHORT_DAYS.indexOf(word);
  return DAYS[at] ?? null;
}

/** What comes several times a day at even distances. */
function oftenOf({ second, minute, hour }: Fields): string | null {
  if (Number(second) !== 0) return null;
  const minutes = /^(?:\*|0)\/(\d+)$/.exec(minute);
  if (minutes !== null && hour === "*" && 60 % Number(minutes[1]) === 0) return `Every ${minutes[1]} minutes`;
  if (minute === "*" && hour === "*") return "Every minute";
  if (!/^\d{1,2}$/.test(minute)) return null;
  const past = Number(minute) === 0 ? "" : `, ${Number(minute)} minutes past`;
  if (hour === "*") return `Every hour${past}`;
  const hours = /^(?:\*|0)\/(\d+)$/.exec(hour);
  return hours !== null && 24 % Number(hours[1]) === 0 ? `Every ${hours[1]} hours${past}` : null;
}

function timeOf({ second, minute, hour }: Fields): string | null {
  if (!/^\d{1,2}$/.test(minute) || !/^\d{1,2}$/.test(hour)) return null;
  const clock = `${hour.padStart(2, "0")}:${minute.padStart(2, "0")}`;
  return Number(second) === 0 ? clock : `${clock}:${second.padStart(2, "0")}`;
}
