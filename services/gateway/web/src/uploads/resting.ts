const REST = 3_000;

/** Files that wait a moment before another try, longer each time. */
export class Rests {
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();

  begin(tries: number, over: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      over();
    }, REST * tries);
    this.#timers.add(timer);
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
