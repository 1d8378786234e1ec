import { isAbort } from "../api/client";
import { ApiError, sentenceOf } from "../api/problems";
import { analyze } from "./asking";
import type { Drop } from "./drop";
import type { Hasher } from "./hasher";
import type { Item } from "./item";
import { concluded, interrupted, judged, resting } from "./judging";
import type { Meter } from "./meter";
import { stemOf } from "./order";
import { isOutage, type Outage } from "./outage";
import { spread } from "./planning";
import type { Queue } from "./queue";
import { sendLarge } from "./resuming";
import { bringHere, type Loaded, sendGroup } from "./sending";

/** What the pieces of work have in common. */
export interface Desk {
  readonly queue: Queue;
  readonly files: ReadonlyMap<string, File>;
  readonly outage: Outage;
  readonly meter: Meter;
  /** The drops as they are now: one may have been answered, or its folder renamed, meanwhile. */
  readonly drops: ReadonlyMap<string, Drop>;
  /** Takes in what became of a file, unless it was canceled meanwhile. */
  become(item: Item): void;
}

const UNREADABLE = "It can no longer be read. Was it moved, changed or removed?";

/** Asks what would become of some files. */
export function check(desk: Desk, drop: Drop, items: readonly Item[], signal: AbortSignal): Promise<void> {
  return guarded(desk, items, waiting, async () => {
    const told = await analyze(drop, items, signal);
    for (const [at, item] of items.entries()) {
      const said = told[at];
      const answers = desk.drops.get(drop.id)?.answers ?? drop.answers;
      if (said !== undefined) desk.become(judged(item, said, answers));
    }
  });
}

/** Reads a file, to tell it from what has its name. */
export async function hash(desk: Desk, hasher: Hasher, item: Item): Promise<void> {
  const file = desk.files.get(item.id);
  const md5 = file === undefined ? null : await hasher.md5(item.id, file);
  desk.become(md5 === null ? failed(item, UNREADABLE) : { ...item, md5, state: "waiting" });
}

/** Has photos brought here; returns the task that does it, null if all had come already. */
export async function bring(desk: Desk, drop: Drop, items: readonly Item[], signal: AbortSignal) {
  const photos = new Set(items.map((item) => item.clash?.photoId ?? stemOf(item.name)));
  let task: string | null = null;
  await guarded(desk, items, bringing, async () => {
    const brought = await bringHere(drop, [...photos], signal);
    task = brought.task?.id ?? null;
    for (const item of items) desk.become({ ...item, state: task === null ? "waiting" : "moving" });
  });
  return task;
}

/** Sends a group of small files. */
export async function send(desk: Desk, drop: Drop, group: readonly Loaded[], signal: AbortSignal): Promise<void> {
  const items = group.map(({ item }) => item);
  const sizes = items.map(({ size }) => size);
  await guarded(desk, items, interrupted, async () => {
    const { results, error } = await sendGroup(drop, group, (loaded) => progress(desk, items, sizes, loaded), signal);
    for (const [at, result] of results.entries()) {
      const item = items[at];
      if (item !== undefined) desk.become(concluded(item, result, desk.drops.get(drop.id)?.answers ?? drop.answers));
    }
    if (error !== null) throw await because(error, desk, group.slice(results.length));
  });
}

/** Sends a large file, or what is left of it. */
export async function sendOn(desk: Desk, drop: Drop, loaded: Loaded, signal: AbortSignal): Promise<void> {
  const { item } = loaded;
  const ears = {
    began: (address: string) => changed(desk, item, { uploadUrl: address }),
    progress: (sent: number) => progress(desk, [item], [item.size], sent),
  };
  await guarded(desk, [item], resumable, async () => {
    try {
      const result = await sendLarge(drop, loaded, ears, signal);
      desk.become(concluded(item, result, desk.drops.get(drop.id)?.answers ?? drop.answers));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const next = afterProblem(now(desk, item), error);
      if (next === null) throw await because(error, desk, [loaded]);
      desk.become(next);
    }
  });
}

/** What becomes of a large file after a problem that is its own; null if it is everybody's. */
function afterProblem(item: Item, error: ApiError): Item | null {
  if (TAKEN.has(error.status)) return resting(item, error.message);
  if (FORGOTTEN.has(error.status) && item.uploadUrl !== null) return interrupted({ ...item, uploadUrl: null });
  return null;
}

/** An earlier request of ours still has it, or it stands elsewhere than we believed. */
const TAKEN: ReadonlySet<number> = new Set([409, 423, 460]);

/** The upload has expired, or the server never knew it. */
const FORGOTTEN: ReadonlySet<number> = new Set([404, 410]);

/** Does some work on files; where it fails, each of them is put back, or says why it failed. */
async function guarded(
  desk: Desk,
  items: readonly Item[],
  back: (item: Item) => Item,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
    desk.outage.answered();
  } catch (error) {
    putBack(desk, items, back, error);
  }
}

function putBack(desk: Desk, items: readonly Item[], back: (item: Item) => Item, error: unknown): void {
  const outage = error instanceof ApiError && isOutage(error) ? error : null;
  const next = outage === null && !isAbort(error) ? (item: Item) => failed(item, sentenceOf(error)) : back;
  for (const item of items) {
    const present = now(desk, item);
    if (present.state === item.state) desk.become(next(present));
  }
  if (outage !== null) desk.outage.begin(outage);
}

/** A request breaks off also where a file cannot be read: those that cannot are settled, and the others tried again. */
async function because(error: ApiError, desk: Desk, group: readonly Loaded[]): Promise<ApiError> {
  if (error.status !== 0) return error;
  let unreadable = 0;
  for (const { item, file } of group) {
    if (await isReadable(file)) continue;
    unreadable += 1;
    desk.become(failed(item, UNREADABLE));
  }
  return unreadable === 0 ? error : new ApiError({ status: 503, code: "unreadable", detail: UNREADABLE });
}

function isReadable(file: File): Promise<boolean> {
  return file
    .slice(0, 1)
    .arrayBuffer()
    .then(
      () => true,
      () => false,
    );
}

function progress(desk: Desk, items: readonly Item[], sizes: readonly number[], loaded: number): void {
  for (const [at, sent] of spread(loaded, sizes).entries()) {
    const item = items[at];
    const present = item && now(desk, item);
    if (present?.state !== "sending" || present.sent === sent) continue;
    desk.meter.add(sent - present.sent, performance.now());
    desk.become({ ...present, sent });
  }
}

function changed(desk: Desk, item: Item, change: Partial<Item>): void {
  desk.become({ ...now(desk, item), ...change });
}

function now(desk: Desk, item: Item): Item {
  return desk.queue.get(item.id) ?? item;
}

function waiting(item: Item): Item {
  return { ...item, state: "waiting" };
}

function bringing(item: Item): Item {
  return { ...item, state: "bringing" };
}

function resumable(item: Item): Item {
  return item.uploadUrl === null ? interrupted(item) : { ...item, state: "ready", tried: true };
}

export function failed(item: Item, reason: string): Item {
  return { ...item, state: "failed", sent: 0, reason };
}
