const PATIENCE = 90_000;

/** Notices that a request is dead although nobody said so, as behind a network that went away without a word. */
export class Stall {
  readonly #stalled: () => void;
  #timer: ReturnType<typeof setTimeout>;

  constructor(stalled: () => void) {
    this.#stalled = stalled;
    this.#timer = setTimeout(stalled, PATIENCE);
  }

  /** Some bytes have left. */
  readonly moved = (): void => {
    this.stop();
    this.#timer = setTimeout(this.#stalled, PATIENCE);
  };

  /** All bytes have left, or it is over. */
  readonly stop = (): void => clearTimeout(this.#timer);
}
