import { ENDED_STATUSES, OPEN_STATUSES, type TaskStatus } from "../api/tasks";

export const STATUSES: readonly TaskStatus[] = [...OPEN_STATUSES, ...ENDED_STATUSES];

/** What the list of tasks has in its address. `as_of` is a time (ISO, UTC) or a place in the log. */
export interface TasksSearch {
  readonly status?: TaskStatus;
  readonly type?: string;
  readonly as_of?: string;
}

/** Reads an address that anybody may have typed: what is wrong in it is as if it were not there. */
export function parseTasksSearch(raw: Readonly<Record<string, unknown>>): TasksSearch {
  const status = STATUSES.find((one) => one === raw.status);
  const type = typeof raw.type === "string" && /^[a-z_]{1,100}$/.test(raw.type) ? raw.type : undefined;
  const asOf = asOfOf(raw.as_of);
  return {
    ...(status === undefined ? {} : { status }),
    ...(type === undefined ? {} : { type }),
    ...(asOf === undefined ? {} : { as_of: asOf }),
  };
}

/** A time or a place in the log, as it was typed or chosen; undefined where it is neither. */
export function asOfOf(given: unknown): string | undefined {
  const text = typeof given === "number" ? String(given) : given;
  if (typeof text !== "string") return undefined;
  if (/^\d{1,15}$/.test(text)) return text;
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}

/** A time as a field of a form has it, in the time zone of the browser. */
export function fieldTime(iso: string | undefined): string {
  if (iso === undefined || /^\d+$/.test(iso)) return "";
  const time = new Date(iso);
  const local = new Date(time.getTime() - time.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}
