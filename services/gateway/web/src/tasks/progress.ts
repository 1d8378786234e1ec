import type { LiveStep, LiveTask } from "./liveTask";

/** How far something is; `done` of `total`. */
export interface Far {
  readonly done: number;
  readonly total: number;
}

/** The step that is under way: the first that is not done; undefined before the task has started. */
export function currentStep(task: LiveTask): LiveStep | undefined {
  return task.steps.find((step) => step.done < step.total) ?? task.steps.at(-1);
}

/**
 * How far a task is over all its steps, each of which counts the same; null while nobody can know.
 *
 * What a step that works on projects or on the library has looked at counts as a part of its one job.
 */
export function farOf(task: LiveTask): Far | null {
  if (task.status === "requested" || task.steps.length === 0) return null;
  const sum = task.steps.reduce((all, step, n) => all + partOf(task, step, n), 0);
  return { done: sum, total: task.steps.length };
}

function partOf(task: LiveTask, step: LiveStep, at: number): number {
  if (step.total === 0) return currentIndex(task) > at ? 1 : 0;
  const inside = step.over === "items" ? 0 : insideOf(task, at);
  return Math.min(1, (step.done + inside) / step.total);
}

function currentIndex(task: LiveTask): number {
  const open = task.steps.findIndex((step) => step.done < step.total);
  return open < 0 ? task.steps.length : open;
}

function insideOf(task: LiveTask, at: number): number {
  let sum = 0;
  for (const job of task.jobs.values()) {
    if (job.step === at && job.total) sum += Math.min(1, job.done / job.total);
  }
  return sum;
}

/** How far all of some tasks are together; null while nobody can know of any. */
export function farOfAll(tasks: readonly LiveTask[]): Far | null {
  const known = tasks.map(farOf).filter((far) => far !== null);
  if (known.length === 0) return null;
  const parts = known.reduce((sum, far) => sum + far.done / far.total, 0);
  return { done: parts, total: tasks.length };
}

/** So long a step has to be watched, in milliseconds, before its own pace says more than what the server told. */
const WATCHED = 3000;

/** How many seconds longer the present step takes if it goes on as it did; null while nobody can know. */
export function secondsLeft(task: LiveTask, now: number): number | null {
  const step = task.status === "running" ? currentStep(task) : undefined;
  if (step === undefined || step.done >= step.total) return null;
  const { began } = step;
  if (began !== null && now - began.at >= WATCHED && step.done > began.done) {
    return (((now - began.at) / 1000) * (step.total - step.done)) / (step.done - began.done);
  }
  return step.remaining === null ? null : Math.max(0, step.remaining.seconds - (now - step.remaining.at) / 1000);
}

/** How many jobs run and how many stand in the queue. */
export function jobCounts(task: LiveTask): {
  readonly running: number;
  readonly queued: number;
  readonly again: number;
} {
  const counts = { running: 0, queued: 0, again: 0 };
  for (const job of task.jobs.values()) {
    if (job.status === "running") counts.running += 1;
    else if (job.status === "retrying") counts.again += 1;
    else if (job.status === "queued") counts.queued += 1;
  }
  return counts;
}
