import type { LiveMessage } from "../live/messages";

/**
 * What was told of photos while answers were under way.
 *
 * An answer may be older than a message that came before it; so whoever takes an answer hears again what was told since
 * it was asked for. Versions see to it that nothing counts twice.
 */
export class Meanwhile {
  #open = 0;
  #messages: LiveMessage[] = [];

  /** Something is asked for; give what this returns to `end`. */
  begin(): number {
    this.#open += 1;
    return this.#messages.length;
  }

  note(message: LiveMessage): void {
    if (this.#open > 0) this.#messages.push(message);
  }

  /** The answer has come, or never will. Returns what was told since it was asked for. */
  end(begun: number): readonly LiveMessage[] {
    const since = this.#messages.slice(begun);
    this.#open -= 1;
    if (this.#open === 0) this.#messages = [];
    return since;
  }
}
