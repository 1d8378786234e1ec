/** The kinds of work, each of which is bounded by itself. */
export type Kind = "check" | "hash" | "bring" | "group" | "large";

/** The work that is under way, which can be broken off. */
export class Running {
  readonly #work = new Map<AbortController, Kind>();
  readonly #ended: () => void;

  /** `ended` is called after each piece of work, however it ended. */
  constructor(ended: () => void) {
    this.#ended = ended;
  }

  run(kind: Kind, work: (signal: AbortSignal) => Promise<void>): void {
    const controller = new AbortController();
    this.#work.set(controller, kind);
    void work(controller.signal).finally(() => {
      this.#work.delete(controller);
      this.#ended();
    });
  }

  count(kind: Kind): number {
    let count = 0;
    for (const other of this.#work.values()) if (other === kind) count += 1;
    return count;
  }

  abort(): void {
    for (const controller of this.#work.keys()) controller.abort();
  }
}
