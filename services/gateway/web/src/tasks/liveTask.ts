import type { JobStatus, StepView, Task, TaskDetail, TaskStatus } from "../api/tasks";
import type { JobMessage, LiveMessage, TaskRequestedMessage, TaskStartedMessage } from "../live/messages";

/** A job that has not ended, as messages tell of it. */
export interface LiveJob {
  readonly step: number;
  readonly status: JobStatus;
  readonly done: number;
  readonly total: number | null;
  readonly attempt: number;
}

export interface LiveStep {
  readonly type: string;
  /** What its progress counts: photos, or jobs (`projects`, `library`); null until the task was read. */
  readonly over: StepView["over"] | null;
  readonly done: number;
  readonly total: number;
  readonly failed: number;
  /** What was told of the time that is left, and when. */
  readonly remaining: { readonly seconds: number; readonly at: number } | null;
  /** When it was first heard of, and how far it was. */
  readonly began: { readonly at: number; readonly done: number } | null;
}

/** A task as it is known from what was read of it and from the messages since. Times are in milliseconds since 1970. */
export interface LiveTask {
  readonly id: string;
  readonly type: string;
  readonly label: string;
  readonly scope: Task["scope"];
  readonly source: Task["source"];
  readonly status: TaskStatus;
  readonly items: number;
  readonly failed: number;
  readonly createdAt: string;
  readonly endedAt: string | null;
  readonly error: string | null;
  readonly undoOf: string | null;
  readonly canceling: boolean;
  /** How many answers it waits for. */
  readonly asks: number;
  readonly steps: readonly LiveStep[];
  /** Those of its jobs that have not ended. */
  readonly jobs: ReadonlyMap<string, LiveJob>;
  /** There is something of it that messages do not tell, so that it is to be read. */
  readonly marked: boolean;
}

const RANK: Readonly<Record<TaskStatus, number>> = {
  requested: 0,
  running: 1,
  waiting: 1,
  completed: 2,
  completed_with_errors: 2,
  failed: 2,
  canceled: 2,
};

export function hasEnded(status: TaskStatus): boolean {
  return RANK[status] === 2;
}

export function taskRequested(data: TaskRequestedMessage, now: number): LiveTask {
  return {
    id: data.id,
    type: data.type,
    label: data.label,
    scope: data.scope,
    source: data.source,
    status: "requested",
    items: 0,
    failed: 0,
    createdAt: new Date(now).toISOString(),
    endedAt: null,
    error: null,
    undoOf: data.undo_of,
    canceling: false,
    asks: 0,
    steps: [],
    jobs: new Map(),
    marked: false,
  };
}

/** The task after it was read. What messages have told already, and the answer does not know yet, stays. */
export function taskRead(known: LiveTask | undefined, read: Task | TaskDetail, now: number): LiveTask {
  const late = known !== undefined && RANK[read.status] < RANK[known.status];
  const status = late ? known.status : read.status;
  const detail = "steps" in read ? read : undefined;
  return {
    id: read.id,
    type: read.type,
    label: read.label,
    scope: read.scope,
    source: read.source,
    status,
    items: Math.max(read.items, known?.items ?? 0),
    failed: late ? known.failed : read.failed,
    createdAt: read.created_at,
    endedAt: read.ended_at ?? known?.endedAt ?? null,
    error: read.error ?? known?.error ?? null,
    undoOf: read.undo_of ?? null,
    steps: detail === undefined ? (known?.steps ?? []) : stepsRead(detail.steps, known?.steps, now),
    ...(hasEnded(status) ? OVER : openRead(known, detail)),
    marked: late || detail === undefined,
  };
}

type OfOpen = Pick<LiveTask, "canceling" | "asks" | "jobs">;

function openRead(known: LiveTask | undefined, detail: TaskDetail | undefined): OfOpen {
  const { canceling, asks, jobs } = known ?? OVER;
  return { canceling, asks: detail?.confirmations.length ?? asks, jobs };
}

const NO_JOBS: ReadonlyMap<string, LiveJob> = new Map();
const OVER: OfOpen = { canceling: false, asks: 0, jobs: NO_JOBS };

function stepsRead(read: readonly StepView[], known: readonly LiveStep[] | undefined, now: number): LiveStep[] {
  return read.map((step, n) => ({
    type: step.type,
    over: step.over,
    done: step.progress_done,
    total: step.progress_total,
    failed: step.failed,
    remaining: step.remaining_seconds === null ? null : { seconds: step.remaining_seconds, at: now },
    began: known?.[n]?.began ?? null,
  }));
}

/** The task after a message about it; the same object where it says nothing of it. */
export function taskAfter(task: LiveTask, message: LiveMessage, now: number): LiveTask {
  if (hasEnded(task.status)) return task;
  switch (message.name) {
    case "task_started":
      return started(task, message.data);
    case "task_cancel_requested":
      return { ...task, canceling: true, error: message.data.error ?? task.error };
    case "task_waiting":
      return { ...task, status: "waiting", asks: message.data.confirmation_ids.length };
    case "confirmation_answered":
    case "confirmation_expired":
      return { ...task, asks: Math.max(0, task.asks - 1) };
    case "task_completed":
      return { ...ended(task, message.data.status, now), failed: message.data.failed };
    case "task_failed":
      return { ...ended(task, message.data.status, now), error: message.data.error };
    case "task_canceled":
      return ended(task, message.data.status, now);
    case "job_update":
    case "job_started":
    case "job_completed":
    case "job_failed":
      return withJob(task, message.data, now);
    default:
      return task;
  }
}

function started(task: LiveTask, data: TaskStartedMessage): LiveTask {
  const steps = data.steps.map(
    (step): LiveStep => ({
      type: step.type,
      over: null,
      done: 0,
      total: step.jobs,
      failed: 0,
      remaining: null,
      began: null,
    }),
  );
  const known = task.steps.length > 0 ? task.steps : steps;
  return { ...task, status: "running", items: data.items, steps: known, marked: true };
}

function ended(task: LiveTask, status: TaskStatus, now: number): LiveTask {
  return { ...task, ...OVER, status, endedAt: new Date(now).toISOString(), marked: true };
}

const JOB_ENDS: ReadonlySet<JobStatus> = new Set<JobStatus>(["completed", "failed", "canceled"]);

function withJob(task: LiveTask, data: JobMessage, now: number): LiveTask {
  const before = task.jobs.get(data.id);
  const at = before?.step ?? stepOf(task.steps, data.job_type);
  const step = task.steps[at];
  if (step === undefined) return { ...task, status: statusWith(task, data), marked: true };
  const over = JOB_ENDS.has(data.status);
  const done = data.progress_done ?? before?.done ?? 0;
  const jobs = new Map(task.jobs);
  if (over) jobs.delete(data.id);
  else jobs.set(data.id, { step: at, status: data.status, done, total: data.progress_total, attempt: data.attempt });
  const after = stepAfter(step, before, done, over && data.status === "completed", now);
  const changed = { ...after, failed: after.failed + (data.failed ?? 0) };
  return {
    ...task,
    status: statusWith(task, data),
    jobs,
    steps: task.steps.with(at, changed),
    failed: task.failed + (data.failed ?? 0),
    // A job that was never heard of may have counted already; and what the next step has to do is read when it begins.
    marked: task.marked || step.over === null || (over && (before === undefined || changed.done >= changed.total)),
  };
}

/** A job that goes on says that its task waits no longer. */
function statusWith(task: LiveTask, data: JobMessage): TaskStatus {
  return data.status === "running" && task.status !== "running" ? "running" : task.status;
}

function stepAfter(step: LiveStep, job: LiveJob | undefined, done: number, completed: boolean, now: number): LiveStep {
  const more = step.over === "items" ? Math.max(0, done - (job?.done ?? done)) : completed && job !== undefined ? 1 : 0;
  return {
    ...step,
    done: Math.min(step.total, step.done + more),
    began: step.began ?? { at: now, done: step.done },
  };
}

/** The step that a job of this type belongs to: the first of them that is not done. */
function stepOf(steps: readonly LiveStep[], type: string): number {
  const open = steps.findIndex((step) => step.type === type && step.done < step.total);
  return open >= 0 ? open : steps.findLastIndex((step) => step.type === type);
}
