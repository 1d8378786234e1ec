import type { JobItem } from "../api/tasks";
import { reasonInWords } from "../photos/reasonWords";

export interface Failed {
  readonly reason: string;
  readonly items: readonly JobItem[];
}

/** Failed photos by why they failed, the most frequent reason first. */
export function byReason(items: readonly JobItem[]): Failed[] {
  const groups = new Map<string, JobItem[]>();
  for (const item of items) {
    const reason = reasonWords(item.reason);
    groups.set(reason, [...(groups.get(reason) ?? []), item]);
  }
  return [...groups]
    .map(([reason, failed]) => ({ reason, items: failed }))
    .sort((one, other) => other.items.length - one.items.length || (one.reason < other.reason ? -1 : 1));
}

/** A reason as a person reads it; some are stable words. */
export function reasonWords(reason: string | null): string {
  if (reason === null || reason === "") return "No reason was given";
  if (!/^[a-z0-9_]+$/.test(reason)) return reason;
  const words = reasonInWords(reason);
  return words.charAt(0).toUpperCase() + words.slice(1);
}
