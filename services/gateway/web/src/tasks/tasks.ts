import type { LiveMessage } from "../live/messages";
import { hasEnded, type LiveTask, taskAfter, taskRequested } from "./liveTask";

/** Tasks by their ids. */
export type Tasks = ReadonlyMap<string, LiveTask>;

/** So many open tasks, and so many that have ended, are known at most; what is beyond stands in the list of all tasks. */
const MOST_OPEN = 500;
const MOST_ENDED = 30;

/** The task as it is after `message`; undefined where the message changes none that is known. */
export function changedBy(tasks: Tasks, message: LiveMessage, now: number): LiveTask | undefined {
  if (message.name === "task_requested") {
    return tasks.has(message.data.id) ? undefined : taskRequested(message.data, now);
  }
  const id = taskOf(message);
  const known = id === undefined ? undefined : tasks.get(id);
  if (known === undefined) return undefined;
  const after = taskAfter(known, message, now);
  return after === known ? undefined : after;
}

/** The task that a message is about. */
export function taskOf(message: LiveMessage): string | undefined {
  switch (message.name) {
    case "task_requested":
    case "task_started":
    case "task_cancel_requested":
    case "task_waiting":
    case "task_completed":
    case "task_failed":
    case "task_canceled":
      return message.data.id;
    case "job_update":
    case "job_started":
    case "job_completed":
    case "job_failed":
    case "confirmation_requested":
    case "confirmation_answered":
    case "confirmation_expired":
      return message.data.task_id;
    default:
      return undefined;
  }
}

/** The tasks with `task` as it is now. Of those that ended only the last ones stay. */
export function withTask(tasks: Tasks, task: LiveTask): Tasks {
  const after = new Map(tasks);
  if (!tasks.has(task.id) && !hasEnded(task.status) && openTasks(tasks).length >= MOST_OPEN) return tasks;
  after.set(task.id, task);
  const ended = hasEnded(task.status) ? endedTasks(after) : [];
  for (const old of ended.slice(MOST_ENDED)) after.delete(old.id);
  return after;
}

/** Those that run or wait, newest first. */
export function openTasks(tasks: Tasks): LiveTask[] {
  return [...tasks.values()]
    .filter((task) => !hasEnded(task.status))
    .sort((one, other) => compare(other.createdAt, one.createdAt) || compare(one.id, other.id));
}

/** Those that have ended, the last one first. */
export function endedTasks(tasks: Tasks): LiveTask[] {
  return [...tasks.values()]
    .filter((task) => hasEnded(task.status))
    .sort((one, other) => compare(other.endedAt ?? "", one.endedAt ?? "") || compare(one.id, other.id));
}

function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
