import { newKey } from "../api/once";
import type { LiveMessage } from "../live/messages";
import { PORTION, readThumbnails } from "./asking";
import { type Drop, loaded, newDrop, type Target } from "./drop";
import type { Found, Gathered } from "./gathering";
import { Hasher } from "./hasher";
import { afterReload, type Choice, type Clash, type Item, isSettled } from "./item";
import { again, answered } from "./judging";
import type { Keeper } from "./keeping";
import { match } from "./matching";
import { Meter } from "./meter";
import { Moves } from "./moves";
import { Outage } from "./outage";
import { nextPlan, nextToCheck } from "./planning";
import { Queue } from "./queue";
import { Rests } from "./resting";
import { endLarge } from "./resuming";
import { Running } from "./running";
import { openOf } from "./tally";
import { Thumbnails } from "./thumbnails";
import { type UploadView, viewOf } from "./view";
import { bring, check, type Desk, hash, send, sendOn } from "./work";

/** Brings files to the server for one session: what is to be done next is looked up in the queue. */
export class Engine implements Desk {
  readonly queue = new Queue();
  readonly files = new Map<string, File>();
  readonly meter = new Meter();
  readonly outage = new Outage(() => this.pump());
  readonly thumbnails = new Thumbnails();
  readonly actor: string;
  readonly drops = new Map<string, Drop>();
  readonly #keeper: Keeper;
  readonly #changed: () => void;
  readonly #hasher = new Hasher();
  readonly #moves = new Moves();
  readonly #running = new Running(() => this.pump());
  readonly #rests = new Rests();
  /** Drops of which nothing is open, and nothing kept any more. */
  readonly #done = new Set<string>();
  paused = false;
  #stopped = false;

  /** `changed` is called whenever there is something else to show. */
  constructor(actor: string, keeper: Keeper, changed: () => void) {
    this.actor = actor;
    this.#keeper = keeper;
    this.#changed = changed;
  }

  view(): UploadView {
    return viewOf(this, performance.now());
  }

  become(item: Item): void {
    const before = this.queue.get(item.id);
    if (before === undefined || this.#stopped) return;
    this.queue.put(item);
    if (before.state !== item.state || before.uploadUrl !== item.uploadUrl || before.choice !== item.choice) {
      this.#keeper.item(item);
      if (item.uploadUrl !== before.uploadUrl) void this.#keeper.flush();
    }
    if (item.state === "stored" && item.photoId !== null) this.thumbnails.expect(item.photoId);
    if (item.state === "resting" && before.state !== "resting") this.#rest(item);
    if (isSettled(item) && item.state !== "failed") this.files.delete(item.id);
    this.#changed();
  }

  /** Takes in files for a project; those that a reload has interrupted go on. Returns the drop that the others made. */
  add(gathered: Gathered, project: Target): Drop | null {
    const unknown = this.#found(gathered.files, project.id);
    const drop = unknown.length === 0 ? null : this.#begin(unknown, gathered.roots, project);
    this.pump();
    return drop;
  }

  /** Goes on with what a reload has interrupted, and takes in nothing else. */
  findAgain(gathered: Gathered, drop: Drop): void {
    this.#found(gathered.files, drop.projectId);
    this.pump();
  }

  /** Takes in a drop that was kept. */
  restore(drop: Drop, items: readonly Item[]): void {
    this.#hasher.start();
    this.drops.set(drop.id, drop);
    for (const item of items) {
      this.queue.put(afterReload(item));
      if (item.state === "stored" && item.photoId !== null) this.thumbnails.expect(item.photoId);
    }
    this.pump();
  }

  /** Says what to do about the name of one file. */
  answer(id: string, choice: Choice): void {
    const item = this.queue.get(id);
    if (item?.state === "asking") this.become(answered(item, choice));
    this.pump();
  }

  /** Says it for all files of a kind of clash, and for those that follow in the same drops. */
  answerAll(kind: Clash["kind"], choice: Choice): void {
    for (const drop of this.drops.values()) {
      this.#keepDrop({ ...drop, answers: { ...drop.answers, [kind]: choice } });
    }
    for (const item of [...this.queue.in("asking")]) {
      if (item.clash?.kind === kind) this.become(answered(item, choice));
    }
    this.pump();
  }

  pause(): void {
    this.paused = true;
    this.#running.abort();
    this.#changed();
  }

  resume(): void {
    this.paused = false;
    this.meter.reset();
    this.outage.end();
  }

  /** Tries again what has failed. */
  retry(): void {
    for (const item of [...this.queue.in("failed")]) {
      const drop = this.drops.get(item.drop);
      if (drop !== undefined && this.#done.delete(drop.id)) this.#keepDrop(drop);
      this.become(this.files.has(item.id) ? again(item) : { ...item, state: "lost" });
    }
    this.resume();
  }

  /** Takes all that is not done out of the queue; what is stored stays. */
  cancel(): void {
    this.#running.abort();
    for (const item of [...this.queue.all()]) {
      if (isSettled(item)) continue;
      if (item.uploadUrl !== null) void endLarge(item.uploadUrl);
      this.queue.remove(item);
      this.files.delete(item.id);
    }
    this.paused = false;
    this.pump();
  }

  /** Forgets what is done, so that nothing of it is shown any more. */
  clear(): void {
    for (const item of [...this.queue.all()]) if (isSettled(item)) this.queue.remove(item);
    for (const { id } of [...this.drops.values()]) if (this.queue.tally(id).files === 0) this.drops.delete(id);
    this.files.clear();
    this.thumbnails.clear();
    this.#changed();
  }

  /** Takes in a live message. */
  hear(message: LiveMessage): void {
    if (message.name === "item" && message.data.thumbnail_status !== undefined) {
      this.thumbnails.hear(message.data.photo_id, message.data.thumbnail_status);
      this.#changed();
    } else if (message.name === "folder_renamed") {
      const { project_id, new_folder, project_name } = message.data;
      for (const drop of this.drops.values()) {
        if (drop.projectId === project_id) this.#keepDrop({ ...drop, folder: new_folder, projectName: project_name });
      }
    } else {
      if (message.name === "reset") this.#readThumbnails();
      this.#ended(this.#moves.hear(message));
    }
  }

  stop(): void {
    this.#running.abort();
    this.#rests.stop();
    this.#hasher.stop();
    void this.#keeper.flush();
    this.#stopped = true;
  }

  /** Begins what can be begun. */
  pump(): void {
    if (!this.#stopped && !this.paused && this.outage.trouble === null) {
      this.#check();
      this.#hash();
      this.#bring();
      this.#send();
    }
    this.#forgetDone();
    this.#changed();
  }

  #check(): void {
    if (this.#running.count("check") > 0) return;
    const items = nextToCheck(this.queue, PORTION);
    const drop = this.drops.get(items[0]?.drop ?? "");
    if (drop === undefined) return;
    const checked = items.map((item): Item => ({ ...item, state: "checking" }));
    for (const item of checked) this.become(item);
    this.#running.run("check", (signal) => check(this, drop, checked, signal));
  }

  #hash(): void {
    if (this.#running.count("hash") > 0) return;
    const [item] = this.queue.in("hashing");
    const drop = this.drops.get(item?.drop ?? "");
    if (item !== undefined && drop !== undefined) this.#running.run("hash", () => hash(this, this.#hasher, item));
  }

  #bring(): void {
    if (this.#running.count("bring") > 0) return;
    const all = [...this.queue.in("bringing")];
    const drop = this.drops.get(all[0]?.drop ?? "");
    if (drop === undefined) return;
    const items = all.filter((item) => item.drop === drop.id).slice(0, PORTION);
    this.#running.run("bring", async (signal) => {
      const task = await bring(this, drop, items, signal);
      if (task !== null) this.#ended(this.#moves.begun(task, items));
    });
  }

  #send(): void {
    const lanes = () => ({ groups: this.#running.count("group"), larges: this.#running.count("large") });
    for (let plan = nextPlan(this.queue, lanes()); plan !== null; plan = nextPlan(this.queue, lanes())) {
      const items = plan.kind === "large" ? [plan.item] : plan.items;
      const drop = this.drops.get(items[0]?.drop ?? "");
      const group = items.flatMap((item) => this.#loaded(item));
      const [first] = group;
      if (drop === undefined || first === undefined) continue;
      if (plan.kind === "large") this.#running.run("large", (signal) => sendOn(this, drop, first, signal));
      else this.#running.run("group", (signal) => send(this, drop, group, signal));
    }
  }

  #loaded(item: Item) {
    const file = this.files.get(item.id);
    const sending: Item = { ...item, state: file === undefined ? "lost" : "sending" };
    this.become(sending);
    return file === undefined ? [] : [{ item: sending, file }];
  }

  #rest(item: Item): void {
    this.#rests.begin(item.tries, () => {
      const present = this.queue.get(item.id);
      if (present?.state === "resting") this.become(again(present));
      this.pump();
    });
  }

  #begin(files: readonly Found[], roots: readonly FileSystemHandle[], project: Target): Drop {
    this.#hasher.start();
    const drop = newDrop(newKey(), this.actor, project, files.length, roots);
    this.#keepDrop(drop);
    for (const { item, file } of loaded(drop, files)) {
      this.files.set(item.id, file);
      this.queue.put(item);
      this.#keeper.item(item);
    }
    return drop;
  }

  /** Takes in files that a reload has interrupted; returns the others. */
  #found(files: readonly Found[], projectId: number): readonly Found[] {
    const lost = [...this.queue.in("lost")].filter((item) => item.projectId === projectId);
    const { again: found, unknown } = match(lost, files);
    for (const [item, { file }] of found) {
      this.files.set(item.id, file);
      this.become({ ...item, state: "waiting" });
    }
    return unknown;
  }

  #keepDrop(drop: Drop): void {
    this.drops.set(drop.id, drop);
    void this.#keeper.drop(drop);
  }

  /** Messages may have been missed: while the page was loaded anew, or while the line was lost. */
  #readThumbnails(): void {
    void readThumbnails(this.thumbnails.missing, this.thumbnails).then(this.#changed);
  }

  /** Files that waited for photos to come: that is over, well or badly, and they are looked at again. */
  #ended(ids: readonly string[]): void {
    for (const id of ids) {
      const item = this.queue.get(id);
      if (item?.state === "moving") this.become({ ...item, state: "waiting" });
    }
    if (ids.length > 0) this.pump();
  }

  #forgetDone(): void {
    for (const { id } of this.drops.values()) {
      if (!this.#done.has(id) && openOf(this.queue.tally(id)) === 0) {
        this.#done.add(id);
        this.#readThumbnails();
        void this.#keeper.forget(id);
      }
    }
  }
}
