import type { Photo } from "../api/types";
import { failureOf, untilDone } from "./loading";
import type { ListModel } from "./model";
import type { Portion } from "./portions";
import { beyond, type ListSource } from "./source";

/** How far beyond the view photos are loaded, in heights of the view: where it goes to, and where it comes from. */
const AHEAD = 2.5;
const BEHIND = 1;

/** So many portions stay loaded; the memory of the page is in proportion to it. */
const MOST_LOADED = 24;

/** At once no more are read, so that what is in the view comes first. */
const MOST_AT_ONCE = 3;

/** While the view leaps, nothing is loaded until it has stood for so long, in milliseconds. */
const STANDS = 80;
/** So soon after a leap, another one belongs to the same movement. */
const SAME_MOVEMENT = 200;

interface Load {
  readonly done: Promise<void>;
  readonly stop: AbortController;
  /** Somebody waits for it, wherever the view is. */
  pinned: boolean;
}

export interface LoaderHooks {
  /** Something is asked for; what it returns is given to `taken`, or to `givenUp`. */
  readonly asked: () => number;
  readonly taken: (portion: Portion, photos: readonly Photo[], asked: number) => void;
  readonly givenUp: (asked: number, why: string | null) => void;
}

/** Loads the portions near the view, and forgets those that it has long left. */
export class PortionLoader {
  readonly #model: ListModel;
  readonly #source: ListSource;
  readonly #hooks: LoaderHooks;
  readonly #loads = new Map<Portion, Load>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #leaptAt = 0;
  #before = 0;
  /** Where the view went last: -1 up, 1 down. */
  #direction = 0;

  constructor(model: ListModel, source: ListSource, hooks: LoaderHooks) {
    this.#model = model;
    this.#source = source;
    this.#hooks = hooks;
  }

  /** The view moved, or the list changed: what is near it is wanted. */
  look(now = performance.now()): void {
    const moved = this.#model.top - this.#before;
    this.#before = this.#model.top;
    const leaps = Math.abs(moved) > 2 * this.#model.viewHeight;
    const goesOn = now - this.#leaptAt < SAME_MOVEMENT;
    if (leaps) this.#leaptAt = now;
    clearTimeout(this.#timer);
    if (moved !== 0) this.#direction = Math.sign(moved);
    if (leaps && goesOn) this.#timer = setTimeout(() => this.#want(), STANDS);
    else this.#want();
  }

  /** Loads a portion, wherever it is; at once if it is loaded already. */
  async ensure(portion: Portion): Promise<void> {
    this.#model.use(portion);
    if (portion.entries !== null || portion.unknown) return;
    const load = this.#loads.get(portion) ?? this.#begin(portion);
    load.pinned = true;
    await load.done;
  }

  /** Gives up what is under way. */
  stop(): void {
    clearTimeout(this.#timer);
    for (const load of this.#loads.values()) load.stop.abort();
    this.#loads.clear();
  }

  #want(): void {
    const { top, viewHeight } = this.#model;
    const up = viewHeight * (this.#direction < 0 ? AHEAD : BEHIND);
    const down = viewHeight * (this.#direction > 0 ? AHEAD : BEHIND);
    const slices = this.#model.slices(top - up, top + viewHeight + down);
    const near = slices.map((slice) => slice.portion).filter((portion) => !portion.unknown);
    this.#giveUpAllBut(new Set(near));
    for (const portion of this.#byNeed(near)) {
      this.#model.use(portion);
      if (portion.entries === null && !this.#loads.has(portion) && this.#loads.size < MOST_AT_ONCE)
        this.#begin(portion);
    }
    this.#forget(near.length);
  }

  /** Those in the view first, those ahead next. */
  #byNeed(near: readonly Portion[]): Portion[] {
    return near.toSorted((a, b) => Number(this.#model.isInSight(b)) - Number(this.#model.isInSight(a)));
  }

  #giveUpAllBut(wanted: ReadonlySet<Portion>): void {
    for (const [portion, load] of this.#loads) {
      if (wanted.has(portion) || load.pinned) continue;
      load.stop.abort();
      this.#loads.delete(portion);
    }
  }

  #begin(portion: Portion): Load {
    const stop = new AbortController();
    const asked = this.#hooks.asked();
    const load: Load = { stop, pinned: false, done: this.#read(portion, stop.signal, asked) };
    this.#loads.set(portion, load);
    return load;
  }

  /** Reads the photos of a portion. */
  read(portion: Portion, signal: AbortSignal): Promise<readonly Photo[]> {
    const model = this.#model;
    const end = model.portions[model.portions.indexOf(portion) + 1]?.first;
    const isBeyond = beyond(end, (photo, key) => model.isBefore(model.keyOf(photo), key));
    return untilDone(() => this.#source.stretch(portion.cursor, portion.count, isBeyond, signal), signal);
  }

  async #read(portion: Portion, signal: AbortSignal, asked: number): Promise<void> {
    try {
      const photos = await this.read(portion, signal);
      this.#ended(portion, signal);
      this.#hooks.taken(portion, photos, asked);
    } catch (error) {
      this.#ended(portion, signal);
      this.#hooks.givenUp(asked, failureOf(error));
    }
  }

  #ended(portion: Portion, signal: AbortSignal): void {
    if (this.#loads.get(portion)?.stop.signal === signal) this.#loads.delete(portion);
  }

  #forget(near: number): void {
    const loaded = this.#model.portions.filter((portion) => portion.entries !== null);
    const most = Math.max(MOST_LOADED, near);
    if (loaded.length <= most) return;
    const oldest = loaded.toSorted((a, b) => a.used - b.used).slice(0, loaded.length - most);
    for (const portion of oldest) this.#model.unload(portion);
  }
}
