import { isAbort } from "../api/client";
import { sentenceOf } from "../api/problems";
import type { Photo, PhotoFilter } from "../api/types";
import { say } from "../app/toasts";
import { refOf } from "./entries";
import type { Key } from "./order";
import type { PhotoList } from "./photoList";
import type { PhotoRef } from "./photoRef";
import { selectionStore } from "./selectionStore";
import { allRefs, MOST_IN_RANGE, refsBetween } from "./walking";

/** Up to so many photos, all that match are picked one by one, so that single ones can be taken out again. */
const ONE_BY_ONE = 2000;

/** Picks photos of a list into the selection. Ranges begin where one was picked last. */
export class Picking {
  readonly #list: PhotoList;
  #anchor: Key | null = null;
  #reading = new AbortController();

  constructor(list: PhotoList) {
    this.#list = list;
  }

  /** Picks a photo, or takes it out. Where all that match were selected, it takes their place. */
  toggle(photo: Photo): void {
    this.#stop();
    this.#anchor = this.#list.model.keyOf(photo);
    selectionStore.toggle(refOf(photo));
  }

  /** Extends the range to a photo. Where nothing was picked before, it begins with `from`, or with the photo itself. */
  async extendTo(photo: Photo, from: Photo | null = null): Promise<void> {
    const begins = this.#anchor ?? this.#list.model.keyOf(from ?? photo);
    if (this.#anchor === null) {
      this.#anchor = begins;
      selectionStore.add([]);
    }
    await this.#read(async (signal) => {
      const refs = await refsBetween(this.#list, begins, this.#list.model.keyOf(photo), signal);
      if (refs === null)
        say(`A range can have ${MOST_IN_RANGE.toLocaleString("en")} photos at most.`, { tone: "failed" });
      else selectionStore.extend(refs);
    });
  }

  /** Picks all that match: one by one where they are few, else by their filter. */
  async all(filter: PhotoFilter): Promise<void> {
    const { total, portions } = this.#list.model;
    if (total === null || total === 0) return;
    this.#stop();
    const isKnown = portions.every((portion) => !portion.unknown);
    if (total > ONE_BY_ONE || !isKnown) selectionStore.selectMatching(filter, total);
    else await this.#read(async (signal) => selectionStore.only(await allRefs(this.#list, signal)));
  }

  /** Begins a range that `extendOver` spans; it adds to what is picked, or takes its place. */
  beginOver(adds: boolean): void {
    this.#stop();
    if (adds) selectionStore.add([]);
    else selectionStore.only([]);
  }

  extendOver(refs: readonly PhotoRef[]): void {
    selectionStore.extend(refs);
  }

  clear(): void {
    this.#stop();
    selectionStore.clear();
  }

  #stop(): void {
    this.#reading.abort();
    this.#anchor = null;
  }

  async #read(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this.#reading.abort();
    this.#reading = new AbortController();
    const { signal } = this.#reading;
    try {
      await work(signal);
    } catch (error) {
      if (!signal.aborted && !isAbort(error)) say(sentenceOf(error), { tone: "failed" });
    }
  }
}
