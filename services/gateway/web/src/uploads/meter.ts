interface Sample {
  readonly at: number;
  readonly moved: number;
}

const WINDOW = 10_000;
const APART = 250;
const LEAST = 1_500;

/** How fast bytes go, over the last seconds. Times are in milliseconds. */
export class Meter {
  #moved = 0;
  #samples: readonly Sample[] = [];

  /** `bytes` more have left. */
  add(bytes: number, now: number): void {
    if (bytes <= 0) return;
    const recent = this.#samples.filter(({ at }) => now - at <= WINDOW);
    const last = recent.at(-1);
    this.#samples =
      last === undefined || now - last.at >= APART ? [...recent, { at: now, moved: this.#moved }] : recent;
    this.#moved += bytes;
  }

  /** Forgets the pace, as after a pause. */
  reset(): void {
    this.#samples = [];
  }

  /** Bytes a second; null while that is not known. */
  rate(now: number): number | null {
    const first = this.#samples.find(({ at }) => now - at <= WINDOW);
    if (first === undefined || now - first.at < LEAST) return null;
    return ((this.#moved - first.moved) * 1000) / (now - first.at);
  }
}

/** How many seconds longer it takes; null while nobody can know. */
export function secondsLeft(bytes: number, sent: number, rate: number | null): number | null {
  if (rate === null || rate <= 0) return null;
  return Math.max(0, bytes - sent) / rate;
}
