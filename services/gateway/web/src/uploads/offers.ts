import { useSyncExternalStore } from "react";
import type { Gathered } from "./gathering";

/** Files that somebody wants to upload, and the project that they are for; null where that is to be asked. */
export interface Offer {
  readonly gathered: Gathered;
  readonly folder: string | null;
}

let offers: readonly Offer[] = [];
const watchers = new Set<() => void>();

/** Puts files before the panel, which is there on every view, to be taken in. */
export function offer(gathered: Gathered, folder: string | null): void {
  change([...offers, { gathered, folder }]);
}

export function withdraw(taken: Offer): void {
  change(offers.filter((other) => other !== taken));
}

/** The offer that is to be answered next. */
export function useOffer(): Offer | null {
  return useSyncExternalStore(watch, () => offers[0] ?? null);
}

function change(next: readonly Offer[]): void {
  offers = next;
  for (const watcher of watchers) watcher();
}

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}
