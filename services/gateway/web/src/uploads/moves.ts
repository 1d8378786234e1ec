import type { LiveMessage } from "../live/messages";
import type { Item } from "./item";

const MOST_ENDED = 500;

/** Tasks that bring photos here, and the files that wait for them. A task may be over before its request is answered. */
export class Moves {
  readonly #waiting = new Map<string, readonly string[]>();
  readonly #ended = new Set<string>();

  /** A task was asked for; returns the files that need not wait, for it is over. */
  begun(taskId: string, items: readonly Item[]): readonly string[] {
    const ids = items.map(({ id }) => id);
    if (this.#ended.has(taskId)) return ids;
    this.#waiting.set(taskId, ids);
    return [];
  }

  /** Returns the files whose wait a message ends. Where messages were missed, all are to be looked at again. */
  hear(message: LiveMessage): readonly string[] {
    if (message.name === "reset") {
      const all = [...this.#waiting.values()].flat();
      this.#waiting.clear();
      return all;
    }
    if (message.name !== "task_completed" && message.name !== "task_failed" && message.name !== "task_canceled") {
      return [];
    }
    const { id } = message.data;
    this.#ended.add(id);
    if (this.#ended.size > MOST_ENDED) this.#ended.delete(this.#ended.keys().next().value ?? "");
    const ids = this.#waiting.get(id) ?? [];
    this.#waiting.delete(id);
    return ids;
  }
}
