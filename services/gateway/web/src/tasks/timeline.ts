import type { HistoryItem } from "../api/history";

/** What an event is about, which is also its colour. */
export type Kind = "task" | "job" | "photos" | "question" | "failed";

/** One event in its place. */
export interface Mark {
  readonly item: HistoryItem;
  readonly kind: Kind;
  /** Whether its cause is told beside it: what a job does because it was queued is seen by its line. */
  readonly leads: boolean;
  /** The event that led to it, by its place in the list; null where it stands in none of what was read. */
  readonly cause: number | null;
  /** 0 is the task's own line; each job has one while it is under way. */
  readonly lane: number;
  /** The lanes that go on above it and below it. */
  readonly above: readonly number[];
  readonly below: readonly number[];
  /** How far along the axis it stands, from 0 to 1. */
  readonly along: number;
  /** Seconds since the first event. */
  readonly since: number;
}

/** From when to when a job was under way, along the axis. */
export interface Span {
  readonly job: string;
  readonly lane: number;
  readonly type: string;
  readonly queued: number;
  readonly started: number | null;
  readonly ended: number | null;
}

export interface Tick {
  readonly along: number;
  readonly seconds: number;
}

export interface Timeline {
  readonly marks: readonly Mark[];
  readonly spans: readonly Span[];
  readonly ticks: readonly Tick[];
  readonly lanes: number;
  /** In seconds. */
  readonly lasted: number;
}

const ENDS: ReadonlySet<string> = new Set(["JobCompleted", "JobFailed", "JobCanceled"]);
const TASKS_OWN = /^(?:Task|Targets)/;
const TASK_ENDS: ReadonlySet<string> = new Set(["TaskCompleted", "TaskFailed", "TaskCanceled"]);
const OPENS: ReadonlySet<string> = new Set(["JobQueued", "JobStarted"]);

/** Puts the events of a task, in the order of the log, along an axis of time and into lanes by their jobs. */
export function timelineOf(items: readonly HistoryItem[]): Timeline {
  const times = items.map((item) => Date.parse(item.time));
  const first = Math.min(...times);
  const lasted = items.length === 0 ? 0 : (Math.max(...times) - first) / 1000;
  const placed = new Lanes();
  const at = new Map<string, number>();
  const marks = items.map((item, n): Mark => {
    const since = ((times[n] ?? first) - first) / 1000;
    const cause = item.cause_id === null ? undefined : at.get(item.cause_id);
    at.set(item.id, n);
    const along = lasted === 0 ? 0 : since / lasted;
    const place = placed.place(item, cause, along);
    return {
      item,
      kind: kindOf(item.type),
      cause: cause ?? null,
      leads: leads(item, items[cause ?? -1]),
      along,
      since,
      ...place,
    };
  });
  return { marks, spans: placed.spans(), ticks: ticksOf(lasted), lanes: placed.most, lasted };
}

function kindOf(type: string): Kind {
  if (type.endsWith("Failed") || type === "TargetsUnresolvable") return "failed";
  if (TASKS_OWN.test(type)) return "task";
  if (type.startsWith("Confirmation") || type === "JobWaiting") return "question";
  return type.startsWith("Job") ? "job" : "photos";
}

function leads(item: HistoryItem, cause: HistoryItem | undefined): boolean {
  if (cause === undefined) return false;
  if (cause.type !== "JobQueued") return true;
  const job = jobOf(item);
  return job === undefined ? TASKS_OWN.test(item.type) : job !== jobOf(cause);
}

/** Gives each job the lowest lane that is free while it is under way. */
class Lanes {
  most = 1;
  readonly #open = new Map<string, number>();
  readonly #spans = new Map<string, Span>();
  readonly #lanes: number[] = [];

  place(item: HistoryItem, cause: number | undefined, along: number): Pick<Mark, "lane" | "above" | "below"> {
    const above = this.#taken();
    const job = jobOf(item);
    if (job !== undefined && !this.#open.has(job) && OPENS.has(item.type)) this.#begin(job, item, along);
    const lane = this.#laneOf(item, job, cause);
    if (job !== undefined) this.#note(job, item, along);
    const begins = this.#lanes.length === 0;
    this.#lanes.push(lane);
    return { lane, above: begins ? [] : above, below: TASK_ENDS.has(item.type) ? [] : this.#taken() };
  }

  #laneOf(item: HistoryItem, job: string | undefined, cause: number | undefined): number {
    if (job !== undefined) return this.#open.get(job) ?? 0;
    return (TASKS_OWN.test(item.type) ? 0 : this.#lanes[cause ?? -1]) ?? 0;
  }

  spans(): Span[] {
    return [...this.#spans.values()];
  }

  #taken(): number[] {
    return [0, ...this.#open.values()];
  }

  #begin(job: string, item: HistoryItem, along: number): void {
    const taken = new Set(this.#open.values());
    let lane = 1;
    while (taken.has(lane)) lane += 1;
    this.#open.set(job, lane);
    this.most = Math.max(this.most, lane + 1);
    const type = typeof item.data.job_type === "string" ? item.data.job_type : "";
    this.#spans.set(job, { job, lane, type, queued: along, started: null, ended: null });
  }

  #note(job: string, item: HistoryItem, along: number): void {
    const span = this.#spans.get(job);
    if (span === undefined) return;
    if (item.type === "JobStarted" && span.started === null) this.#spans.set(job, { ...span, started: along });
    if (!ENDS.has(item.type)) return;
    this.#spans.set(job, { ...span, ended: along });
    this.#open.delete(job);
  }
}

function jobOf(item: HistoryItem): string | undefined {
  const id = item.type.startsWith("Job") ? item.data.job_id : undefined;
  return typeof id === "string" ? id : undefined;
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 43_200, 86_400, 604_800];
const MOST_TICKS = 6;

/** Even times along the axis, six at most. */
export function ticksOf(lasted: number): Tick[] {
  if (lasted <= 0) return [{ along: 0, seconds: 0 }];
  const step = stepFor(lasted);
  const count = Math.floor(lasted / step + 1e-9);
  return Array.from({ length: count + 1 }, (_, n) => ({ along: (n * step) / lasted, seconds: n * step }));
}

function stepFor(lasted: number): number {
  if (lasted >= 5) {
    const longest = STEPS.at(-1) ?? 1;
    return STEPS.find((step) => lasted / step < MOST_TICKS) ?? Math.ceil(lasted / MOST_TICKS / longest) * longest;
  }
  const power = 10 ** Math.floor(Math.log10(lasted));
  return [power / 5, power / 2, power, power * 2, power * 5].find((step) => lasted / step < MOST_TICKS) ?? lasted;
}
