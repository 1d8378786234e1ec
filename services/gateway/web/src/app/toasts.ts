import { useSyncExternalStore } from "react";

export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly tone: "usual" | "failed";
  /** What may be done about it, such as to take it back. */
  readonly action: { readonly label: string; readonly run: () => void } | null;
}

/** Older ones give way to newer ones. */
const MOST = 3;

let toasts: readonly Toast[] = [];
let latest = 0;
const watchers = new Set<() => void>();

/** Says something for a while at the foot of the view, and has it read out; returns how to take it away. */
export function say(text: string, more: Partial<Pick<Toast, "tone" | "action">> = {}): () => void {
  latest += 1;
  const toast: Toast = { id: latest, text, tone: "usual", action: null, ...more };
  change([...toasts, toast].slice(-MOST));
  return () => dismiss(toast.id);
}

export function dismiss(id: number): void {
  change(toasts.filter((toast) => toast.id !== id));
}

export function useToasts(): readonly Toast[] {
  return useSyncExternalStore(watch, () => toasts);
}

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

function change(next: readonly Toast[]): void {
  toasts = next;
  for (const watcher of watchers) watcher();
}
