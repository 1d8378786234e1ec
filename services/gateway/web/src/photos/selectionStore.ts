import { useSyncExternalStore } from "react";
import type { PhotoFilter } from "../api/types";
import { say } from "../app/toasts";
import type { Line } from "../live/line";
import type { LiveMessage } from "../live/messages";
import type { PhotoRef } from "./photoRef";
import {
  added,
  extended,
  followed,
  matching,
  NOTHING,
  only,
  type Selecting,
  type Selection,
  settled,
  toggled,
} from "./selection";

/** How long a photo that left a project may take to turn up in another, in milliseconds: the same event says both. */
const TURNS_UP = 250;

/** The one selection of this page. It outlives the views that show it, and follows the session's live updates. */
class SelectionStore {
  #state: Selecting = NOTHING;
  #line: Line | null = null;
  #leave: () => void = () => undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #watchers = new Set<() => void>();

  readonly watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  readonly get = (): Selection => this.#state.selection;

  /** Follows this line from now on; where it is another session's, nothing is selected any more. */
  follow(line: Line): void {
    if (line === this.#line) return;
    this.#leave();
    this.#line = line;
    this.#change(NOTHING);
    this.#leave = line.listen((message) => this.#heard(message));
  }

  /** Selects these and nothing else. */
  only(refs: Iterable<PhotoRef>): void {
    this.#change(only(refs));
  }

  /** Adds a photo, or takes it out. */
  toggle(ref: PhotoRef): void {
    this.#change(toggled(this.#state, ref));
  }

  /** Adds these. */
  add(refs: Iterable<PhotoRef>): void {
    this.#change(added(this.#state, refs));
  }

  /** Makes the range that began with the last photo that was picked these photos. */
  extend(range: Iterable<PhotoRef>): void {
    this.#change(extended(this.#state, range));
  }

  /** Selects all that the filter matches. */
  selectMatching(filter: PhotoFilter, total: number): void {
    this.#change(matching(filter, total));
  }

  clear(): void {
    this.#change(NOTHING);
  }

  #heard(message: LiveMessage): void {
    const next = followed(this.#state, message);
    if (next.leaving.size > 0) this.#timer ??= setTimeout(() => this.#settle(), TURNS_UP);
    this.#change(next);
  }

  #settle(): void {
    this.#timer = undefined;
    const { state, lost } = settled(this.#state);
    this.#change(state);
    if (lost > 0)
      say(lost === 1 ? "A selected photo is gone." : `${lost.toLocaleString("en")} selected photos are gone.`);
  }

  #change(state: Selecting): void {
    if (state === this.#state) return;
    this.#state = state;
    for (const watcher of this.#watchers) watcher();
  }
}

export const selectionStore = new SelectionStore();

/** What is selected: `countOf` and `isSelected` of `selection.ts` look into it. */
export function useSelection(): Selection {
  return useSyncExternalStore(selectionStore.watch, selectionStore.get);
}
