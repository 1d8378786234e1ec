import type { LiveMessage } from "../live/messages";

/** How a task ended, as far as its user has to be told. */
export interface Ending {
  readonly status: "completed" | "completed_with_errors" | "failed" | "canceled";
  /** How many of its photos failed. */
  readonly failed: number;
  /** Why it failed as a whole. */
  readonly error: string | null;
}

/** A group of tasks that one action started, and how those of them ended that have. */
export interface Followed {
  readonly open: ReadonlySet<string>;
  readonly endings: readonly Ending[];
}

export function followedOf(taskIds: readonly string[]): Followed {
  return { open: new Set(taskIds), endings: [] };
}

/** Takes note of the end of a task; of any other task, and of one that had ended already, nothing changes. */
export function afterEnd(followed: Followed, taskId: string, ending: Ending): Followed {
  if (!followed.open.has(taskId)) return followed;
  const open = new Set(followed.open);
  open.delete(taskId);
  return { open, endings: [...followed.endings, ending] };
}

/** All endings as one. */
export function endingOf({ endings }: Followed): Ending {
  const failed = endings.reduce((sum, one) => sum + one.failed, 0);
  const bad = endings.find(({ status }) => status === "failed") ?? endings.find(({ status }) => status === "canceled");
  if (bad !== undefined) return { ...bad, failed };
  return { status: failed > 0 ? "completed_with_errors" : "completed", failed, error: null };
}

/** Which task a message says has ended, and how; null if it says nothing of that. */
export function endToldBy(message: LiveMessage): { readonly id: string; readonly ending: Ending } | null {
  switch (message.name) {
    case "task_completed": {
      const { id, failed } = message.data;
      return { id, ending: { status: failed > 0 ? "completed_with_errors" : "completed", failed, error: null } };
    }
    case "task_failed":
      return { id: message.data.id, ending: { status: "failed", failed: 0, error: message.data.error } };
    case "task_canceled":
      return { id: message.data.id, ending: { status: "canceled", failed: 0, error: null } };
    default:
      return null;
  }
}

/** How a task that was read has ended; null while it has not. */
export function endingOfRead(task: {
  readonly status: string;
  readonly failed: number;
  readonly error?: string | null;
}): Ending | null {
  const { status, failed } = task;
  if (status === "failed" || status === "canceled") return { status, failed, error: task.error ?? null };
  if (status === "completed" || status === "completed_with_errors") return { status, failed, error: null };
  return null;
}
