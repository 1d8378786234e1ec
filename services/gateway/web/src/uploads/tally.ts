import type { Item, State } from "./item";

/** Sums over files: how many stand where, and how many bytes have to go and have gone. */
export interface Tally {
  readonly counts: Readonly<Partial<Record<State, number>>>;
  readonly files: number;
  /** Bytes of all files that are sent, or may have to be. */
  readonly bytes: number;
  readonly sent: number;
}

export const EMPTY_TALLY: Tally = { counts: {}, files: 0, bytes: 0, sent: 0 };

/** What is not sent counts for nothing, so that a folder that is there already is done at once. */
const NOTHING_TO_SEND: ReadonlySet<State> = new Set(["skipped", "moved", "moving", "bringing", "refused", "failed"]);

export function add(tally: Tally, item: Item, times: 1 | -1): Tally {
  const counts = { ...tally.counts, [item.state]: (tally.counts[item.state] ?? 0) + times };
  const sends = NOTHING_TO_SEND.has(item.state) ? 0 : times;
  return {
    counts,
    files: tally.files + times,
    bytes: tally.bytes + sends * item.size,
    sent: tally.sent + sends * item.sent,
  };
}

export function sum(tallies: readonly Tally[]): Tally {
  const counts: Partial<Record<State, number>> = {};
  for (const tally of tallies) {
    for (const [state, count] of Object.entries(tally.counts) as [State, number][]) {
      counts[state] = (counts[state] ?? 0) + count;
    }
  }
  return {
    counts,
    files: tallies.reduce((all, { files }) => all + files, 0),
    bytes: tallies.reduce((all, { bytes }) => all + bytes, 0),
    sent: tallies.reduce((all, { sent }) => all + sent, 0),
  };
}

export function countOf(tally: Tally, ...states: readonly State[]): number {
  return states.reduce((all, state) => all + (tally.counts[state] ?? 0), 0);
}

/** Files of which something is still to come by itself or by the user's word. */
export function openOf(tally: Tally): number {
  return tally.files - countOf(tally, "stored", "skipped", "moved", "refused", "failed");
}
