import { newKey } from "../api/once";
import type { LiveMessage } from "../live/messages";
import type { Drop, Target } from "./drop";
import type { Engine } from "./engine";
import type { Gathered } from "./gathering";
import { Keeper } from "./keeping";
import { hold, type Summary, Tabs } from "./tabs";
import { countOf } from "./tally";
import type { UploadView } from "./view";

/** What is shown: the uploads of this tab, and how far those of other tabs are. */
export interface Shown {
  readonly own: UploadView | null;
  readonly others: readonly Summary[];
}

const NOTHING: Shown = { own: null, others: [] };

/** So often what is shown changes at most, in milliseconds. */
const CALM = 150;
const TOLD_EACH = 1_000;

/**
 * The uploads of this tab. What does them is a part of the client that is loaded only once there is something to do: a
 * drop, or one that a reload or a tab that is gone has left behind.
 */
class Uploads {
  readonly #keeper = new Keeper();
  readonly #tabs = new Tabs();
  readonly #tab = newKey();
  readonly #held = new Map<string, () => void>();
  readonly #others = new Map<string, Summary>();
  readonly #watchers = new Set<() => void>();
  #actor: string | null = null;
  #engine: Engine | null = null;
  #starting: Promise<Engine> | null = null;
  #shown: Shown = NOTHING;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #told = 0;

  /** Somebody who may upload is there; returns what to do when they leave. */
  enter(actor: string): () => void {
    if (this.#engine !== null && this.#engine.actor !== actor) this.#end();
    this.#actor = actor;
    this.#tabs.start((summary) => this.#heard(summary));
    const leaving = new AbortController();
    window.addEventListener("pagehide", () => this.#say(true), { signal: leaving.signal });
    window.addEventListener("beforeunload", (event) => this.#warn(event), { signal: leaving.signal });
    void this.#findLeft(actor);
    if (this.#engine !== null) this.#engine.resume();
    return () => {
      leaving.abort();
      this.#tabs.stop();
      this.#others.clear();
      this.#engine?.pause();
    };
  }

  /** Uploads files into a project. */
  async add(gathered: Gathered, project: Target): Promise<void> {
    const engine = await this.#started();
    const drop = engine.add(gathered, project);
    if (drop !== null) this.#hold(drop.id, () => undefined);
  }

  /** Goes on with a drop that lacks its files, as far as they are found in what is given. */
  async goOn(gathered: Gathered, drop: Drop): Promise<void> {
    (await this.#started()).findAgain(gathered, drop);
  }

  /** What does the work; null while there was none. */
  get engine(): Engine | null {
    return this.#engine;
  }

  hear(message: LiveMessage): void {
    this.#engine?.hear(message);
  }

  readonly watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  readonly shown = (): Shown => this.#shown;

  async #started(): Promise<Engine> {
    const actor = this.#actor;
    if (actor === null) throw new Error("Nobody is signed in.");
    this.#starting ??= import("./engine").then(({ Engine }) => {
      const engine = new Engine(actor, this.#keeper, this.#changed);
      this.#engine = engine;
      this.#watchNetwork(engine);
      return engine;
    });
    return this.#starting;
  }

  #network = new AbortController();

  #watchNetwork(engine: Engine): void {
    this.#network = new AbortController();
    engine.outage.watch(this.#network.signal);
  }

  #end(): void {
    this.#network.abort();
    this.#engine?.stop();
    this.#engine = null;
    this.#starting = null;
    for (const letGo of this.#held.values()) letGo();
    this.#held.clear();
    this.#shown = NOTHING;
  }

  /** Drops that are kept are gone on with here once no other tab has them. */
  async #findLeft(actor: string): Promise<void> {
    for (const drop of await this.#keeper.drops().catch(() => [])) {
      if (drop.actor === actor) this.#hold(drop.id, () => void this.#restore(drop.id));
    }
  }

  async #restore(dropId: string): Promise<void> {
    const kept = await this.#keeper.load(dropId);
    for (const [tab, { drops }] of this.#others) if (drops.includes(dropId)) this.#others.delete(tab);
    this.#changed();
    if (kept === null || kept.drop.actor !== this.#actor) return;
    (await this.#started()).restore(kept.drop, kept.items);
  }

  #hold(dropId: string, held: () => void): void {
    if (!this.#held.has(dropId)) this.#held.set(dropId, hold(dropId, held));
  }

  #heard(summary: Summary): void {
    if (summary.actor !== this.#actor) return;
    if (summary.open === 0) this.#others.delete(summary.tab);
    else this.#others.set(summary.tab, summary);
    for (const dropId of summary.drops) this.#hold(dropId, () => void this.#restore(dropId));
    this.#changed();
  }

  readonly #changed = (): void => {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#shown = { own: this.#engine?.view() ?? null, others: [...this.#others.values()] };
      this.#say(false);
      for (const watcher of this.#watchers) watcher();
    }, CALM);
  };

  #say(leaving: boolean): void {
    const { own } = this.#shown;
    if (own === null || this.#actor === null) return;
    const now = performance.now();
    const open = leaving ? 0 : own.open;
    if (open > 0 && now - this.#told < TOLD_EACH) return;
    this.#told = now;
    const { bytes, sent } = own.tally;
    const drops = own.drops.map(({ id }) => id);
    this.#tabs.say({ tab: this.#tab, actor: this.#actor, drops, open, bytes, sent });
  }

  /** The browser asks whether to leave while files are on their way: it would have to be shown them again. */
  #warn(event: BeforeUnloadEvent): void {
    const { own } = this.#shown;
    if (own !== null && own.open > countOf(own.tally, "lost")) event.preventDefault();
  }
}

export const uploads = new Uploads();
