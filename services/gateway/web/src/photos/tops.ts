/** Where the parts of a list start, by their heights. */
export class Tops {
  readonly #tops: Float64Array;

  constructor(heights: readonly { readonly height: number }[]) {
    this.#tops = new Float64Array(heights.length + 1);
    for (const [at, { height }] of heights.entries()) this.#tops[at + 1] = this.of(at) + height;
  }

  /** Height of the whole. */
  get height(): number {
    return this.#tops.at(-1) ?? 0;
  }

  /** Where the part at `index` starts; where the last one ends for the index behind it. */
  of(index: number): number {
    return this.#tops[index] ?? 0;
  }

  /** The index of the part that holds `y`: the first or the last one beyond the ends, -1 where there is none. */
  at(y: number): number {
    const parts = this.#tops.length - 1;
    let low = 0;
    let high = parts;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.of(middle + 1) <= y) low = middle + 1;
      else high = middle;
    }
    return Math.min(low, parts - 1);
  }
}
