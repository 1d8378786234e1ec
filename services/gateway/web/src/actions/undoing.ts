import { useSyncExternalStore } from "react";

/** Tasks that somebody wants to take back. `ActionsHost` does so, and first asks where not all of it can be. */
let wanted: readonly string[] | null = null;
const watchers = new Set<() => void>();

/** Takes back what these tasks did, the newest first; asks first where some of it cannot be taken back. */
export function askUndo(taskIds: readonly string[]): void {
  change(taskIds);
}

/** `const undo = useUndo(); … undo([task.id])`: takes back tasks that have ended. */
export function useUndo(): (taskIds: readonly string[]) => void {
  return askUndo;
}

export function forgetUndo(): void {
  change(null);
}

export function useWantedUndo(): readonly string[] | null {
  return useSyncExternalStore(watch, () => wanted);
}

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

function change(next: readonly string[] | null): void {
  wanted = next;
  for (const watcher of watchers) watcher();
}
