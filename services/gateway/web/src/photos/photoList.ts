import type { PhotoFilter } from "../api/types";
import type { Line } from "../live/line";
import type { LiveMessage } from "../live/messages";
import { readAnew } from "./anew";
import { apply } from "./applying";
import { ListChanges } from "./changes";
import { failureOf, untilDone } from "./loading";
import { Meanwhile } from "./meanwhile";
import { ListModel } from "./model";
import type { Key, ListOrder } from "./order";
import { PortionLoader } from "./portionLoader";
import { PORTION } from "./portions";
import { Questions } from "./questions";
import { isBaseOff, isBaseUrgent, properBase, type Window } from "./scrolling";
import type { ListSource } from "./source";

/** How often what waited is looked after, and photos are counted anew, in milliseconds. */
const SETTLES = 250;
const COUNTS = 1500;

export type ListState = { readonly kind: "loading" | "ready" } | { readonly kind: "failed"; readonly why: string };

/**
 * One list of photos: read as it is looked at, and kept true by live messages.
 *
 * It lives outside of React: `watch` and `version` are for `useSyncExternalStore`; a view reads `model` after that.
 */
export class PhotoList {
  /** Tells lists apart. */
  readonly name: string;
  readonly model: ListModel;
  readonly changes: ListChanges;
  readonly source: ListSource;
  readonly loader: PortionLoader;
  state: ListState = { kind: "loading" };
  /** Rises when the page, and not the user, has moved the view: the browser is to be scrolled there. */
  leaps = 0;
  /** By how much the browser is to be scrolled so that nothing moves, since the list's window has another base. */
  shift = 0;
  #version = 0;
  #telling = false;
  #running = new AbortController();
  #reloading = false;
  #settling: ReturnType<typeof setTimeout> | undefined;
  #counting: ReturnType<typeof setTimeout> | undefined;
  readonly #watchers = new Set<() => void>();
  readonly #meanwhile = new Meanwhile();
  readonly #questions = new Questions((about) => this.#ask(about));

  constructor(name: string, source: ListSource, order: ListOrder, filter: PhotoFilter) {
    this.name = name;
    this.source = source;
    this.model = new ListModel(order, filter);
    this.changes = new ListChanges(this.model);
    this.loader = new PortionLoader(this.model, source, {
      asked: () => this.#meanwhile.begin(),
      taken: (portion, photos, asked) => {
        this.model.takePage(portion, photos);
        this.#caughtUp(asked);
      },
      givenUp: (asked, why) => this.#gaveUp(asked, why),
    });
  }

  readonly watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  readonly version = (): number => this.#version;

  /** Whether more changed than could be followed, so that the list should be read anew. */
  get isStale(): boolean {
    return this.#questions.overwhelmed;
  }

  /** Reads the list, and follows the line; returns how to stop. */
  readonly start = (line: Line): (() => void) => {
    this.#running = new AbortController();
    const leave = line.listen(this.#hear);
    if (this.model.total === null) void this.#readFirst();
    else void this.reload();
    return () => {
      leave();
      this.#running.abort();
      this.loader.stop();
      this.#questions.clear();
      clearTimeout(this.#settling);
      clearTimeout(this.#counting);
      this.#settling = undefined;
      this.#counting = undefined;
    };
  };

  /** The user scrolled to `top` of the list. */
  scrolled(top: number): void {
    if (top === this.model.top) return;
    this.#viewAt(top);
  }

  #viewAt(top: number): void {
    this.model.viewAt(top);
    this.changes.seen();
    this.loader.look();
    if (isBaseUrgent(this.window())) this.#rebase();
    this.#settleSoon();
    this.#changed();
  }

  /** The user has stopped scrolling. */
  stopped(): void {
    if (!isBaseOff(this.window())) return;
    this.#rebase();
    this.#changed();
  }

  resized(width: number, viewHeight: number): void {
    this.model.resize(width, viewHeight);
    this.loader.look();
    this.#changed();
  }

  /** Leads the view to a place of the list. */
  goTo(top: number): void {
    const last = Math.max(0, this.model.height - this.model.viewHeight);
    this.model.base = properBase({ top, height: this.model.height });
    this.shift = 0;
    this.leaps += 1;
    this.#viewAt(Math.min(Math.max(0, Math.round(top)), last));
  }

  window(): Window {
    const { top, viewHeight, height, base } = this.model;
    return { top, viewHeight, height, base };
  }

  /** Takes in what came, and leaves out what is gone; returns where the first of what came belongs. */
  takeIn(): Key | null {
    const first = this.changes.takeIn();
    if (this.isStale) void this.reload();
    this.loader.look();
    this.#changed();
    return first;
  }

  /** Reads everything anew, and shows it in the place of what was there once it has come. */
  async reload(): Promise<void> {
    if (this.#reloading) return;
    this.#reloading = true;
    this.#questions.clear();
    const { signal } = this.#running;
    const asked = this.#meanwhile.begin();
    try {
      const { views, loaded } = await untilDone(() => readAnew(this.model, this.source, signal), signal);
      this.changes.forget();
      this.model.takePortions(views, loaded);
      this.#caughtUp(asked);
    } catch (error) {
      this.#gaveUp(asked, failureOf(error));
    } finally {
      this.#reloading = false;
    }
  }

  async #readFirst(): Promise<void> {
    const { signal } = this.#running;
    const asked = this.#meanwhile.begin();
    try {
      const page = await untilDone(() => this.source.page(null, PORTION, signal), signal);
      this.model.takeFirstPage(page.items, page.total, page.total_exact);
      this.state = { kind: "ready" };
      this.#changed();
      if (page.next_cursor !== null) {
        this.model.takePortions(await untilDone(() => this.source.portions(signal), signal));
      }
      this.#caughtUp(asked);
    } catch (error) {
      this.#gaveUp(asked, failureOf(error));
    }
  }

  async #ask(about: ReadonlyMap<number, boolean>): Promise<void> {
    const { signal } = this.#running;
    const asked = this.#meanwhile.begin();
    try {
      const photos = await untilDone(() => this.source.among([...about.keys()], signal), signal);
      this.changes.answered(about, photos);
      this.#caughtUp(asked);
    } catch (error) {
      this.#gaveUp(asked, failureOf(error));
    }
  }

  async #count(): Promise<void> {
    this.#counting = undefined;
    this.changes.uncounted = false;
    const { signal } = this.#running;
    const asked = this.#meanwhile.begin();
    try {
      const { total, total_exact } = await untilDone(() => this.source.page(null, 1, signal), signal);
      this.model.total = total;
      this.model.totalExact = total_exact;
      this.#meanwhile.end(asked);
      this.#changed();
    } catch (error) {
      this.#gaveUp(asked, failureOf(error));
    }
  }

  readonly #hear = (message: LiveMessage): void => {
    if (message.name === "reset") {
      void this.reload();
      return;
    }
    if (!apply(message, this.changes, this.#questions)) return;
    this.#meanwhile.note(message);
    if (this.changes.uncounted) this.#countSoon();
    this.#settleSoon();
    this.#changed();
  };

  /** An answer was taken: what was told since it was asked for holds for it too. */
  #caughtUp(asked: number): void {
    const since = this.#meanwhile.end(asked);
    for (const message of since) apply(message, this.changes, this.#questions);
    if (since.length > 0) this.#countSoon(); // what was counted may have been before it, or after
    this.state = { kind: "ready" };
    this.loader.look();
    this.#changed();
  }

  #gaveUp(asked: number, why: string | null): void {
    this.#meanwhile.end(asked);
    if (why === null) return;
    this.state = { kind: "failed", why };
    this.#changed();
  }

  #countSoon(): void {
    this.#counting ??= setTimeout(() => void this.#count(), COUNTS);
  }

  #settleSoon(): void {
    this.#settling ??= setTimeout(() => {
      this.#settling = undefined;
      this.changes.settle();
      this.#changed();
    }, SETTLES);
  }

  #rebase(): void {
    const base = properBase(this.model);
    this.shift += this.model.base - base;
    this.model.base = base;
  }

  /** Tells the watchers once, however much changes in one go. */
  #changed(): void {
    this.#version += 1;
    if (this.#telling) return;
    this.#telling = true;
    queueMicrotask(() => {
      this.#telling = false;
      for (const watcher of this.#watchers) watcher();
    });
  }
}
