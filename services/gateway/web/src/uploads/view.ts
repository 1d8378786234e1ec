import type { Drop } from "./drop";
import type { Item, State } from "./item";
import { type Meter, secondsLeft } from "./meter";
import type { Trouble } from "./outage";
import type { Queue } from "./queue";
import { countOf, openOf, sum, type Tally } from "./tally";
import type { Thumbnails } from "./thumbnails";

/** What uploads are at, in a word. */
export type Phase = "none" | "checking" | "sending" | "asking" | "lost" | "paused" | "waiting" | "thumbnails" | "done";

/** The files of one kind of end; the first of them, so that thousands cost no more to show than a hundred. */
export interface Listed {
  readonly total: number;
  readonly items: readonly Item[];
}

/** All that is shown of uploads, anew whenever something has changed. */
export interface UploadView {
  readonly phase: Phase;
  readonly trouble: Trouble | null;
  readonly drops: readonly Drop[];
  readonly tally: Tally;
  readonly open: number;
  /** Bytes a second, and seconds to go. */
  readonly rate: number | null;
  readonly left: number | null;
  readonly thumbnails: { readonly total: number; readonly made: number; readonly failed: number };
  readonly asking: Listed;
  readonly refused: Listed;
  readonly failed: Listed;
  readonly skipped: Listed;
  readonly lost: readonly Drop[];
}

interface Shown {
  readonly queue: Queue;
  readonly drops: ReadonlyMap<string, Drop>;
  readonly meter: Meter;
  readonly thumbnails: Thumbnails;
  readonly paused: boolean;
  readonly outage: { readonly trouble: Trouble | null };
}

const MOST = 100;

export function viewOf({ queue, drops, meter, thumbnails, paused, outage }: Shown, now: number): UploadView {
  const { trouble } = outage;
  const all = [...drops.values()];
  const tally = sum(all.map(({ id }) => queue.tally(id)));
  const rate = countOf(tally, "sending") > 0 ? meter.rate(now) : null;
  const { total, made, failed } = thumbnails;
  return {
    phase: phaseOf(tally, { paused, trouble, pendingThumbnails: total - made - failed }),
    trouble,
    drops: all,
    tally,
    open: openOf(tally),
    rate,
    left: secondsLeft(tally.bytes, tally.sent, rate),
    thumbnails: { total, made, failed },
    asking: listed(queue, "asking"),
    refused: listed(queue, "refused"),
    failed: listed(queue, "failed"),
    skipped: listed(queue, "skipped"),
    lost: all.filter(({ id }) => countOf(queue.tally(id), "lost") > 0),
  };
}

interface Circumstances {
  readonly paused: boolean;
  readonly trouble: Trouble | null;
  readonly pendingThumbnails: number;
}

export function phaseOf(tally: Tally, { paused, trouble, pendingThumbnails }: Circumstances): Phase {
  if (tally.files === 0) return "none";
  const open = openOf(tally);
  const asking = countOf(tally, "asking");
  // What has only the name of a file that is asked about waits for the same word.
  const held = asking > 0 ? countOf(tally, "asking", "lost", "waiting", "ready") : countOf(tally, "lost");
  if (open > held) {
    if (paused) return "paused";
    if (trouble !== null) return "waiting";
    return countOf(tally, "sending", "ready", "resting") > 0 ? "sending" : "checking";
  }
  if (asking > 0) return "asking";
  if (open > 0) return "lost";
  return pendingThumbnails > 0 ? "thumbnails" : "done";
}

function listed(queue: Queue, state: State): Listed {
  const items: Item[] = [];
  for (const item of queue.in(state)) {
    items.push(item);
    if (items.length >= MOST) break;
  }
  return { total: queue.size(state), items };
}
