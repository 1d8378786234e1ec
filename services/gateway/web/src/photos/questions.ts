import type { Open } from "./changes";

/** How long changes are gathered before the server is asked about them, in milliseconds. */
const GATHERS = 300;

/** Of so many photos is asked at once. */
const MOST_ASKED = 200;

/** More than this is not asked about: whoever changed so many is better off with the list read anew. */
const MOST_OPEN = 2000;

/** Photos of which the server has to be asked how they stand: gathered, and asked about together. */
export class Questions {
  readonly #ask: (about: ReadonlyMap<number, boolean>) => Promise<void>;
  /** The photos, and whether they are new to the list. */
  #open = new Map<number, boolean>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asking = false;
  /** Whether more happened than could be asked about. */
  overwhelmed = false;

  constructor(ask: (about: ReadonlyMap<number, boolean>) => Promise<void>) {
    this.#ask = ask;
  }

  add(id: number, open: Open): void {
    if (open === "nothing") return;
    if (this.#open.size >= MOST_OPEN) {
      this.overwhelmed = true;
      return;
    }
    this.#open.set(id, open === "new" || this.#open.get(id) === true);
    this.#soon();
  }

  /** A photo is gone: nothing is to be asked about it. */
  drop(id: number): void {
    this.#open.delete(id);
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#open.clear();
    this.overwhelmed = false;
  }

  #soon(): void {
    if (this.#asking || this.#open.size === 0) return;
    this.#timer ??= setTimeout(() => void this.#go(), GATHERS);
  }

  async #go(): Promise<void> {
    this.#timer = undefined;
    const about = new Map([...this.#open].slice(0, MOST_ASKED));
    for (const id of about.keys()) this.#open.delete(id);
    this.#asking = true;
    try {
      await this.#ask(about);
    } finally {
      this.#asking = false;
      this.#soon();
    }
  }
}
