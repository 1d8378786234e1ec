import { isAfter } from "./frameId";
import type { Frame } from "./frames";
import { type LiveMessage, messageOf, type PendingChangesState } from "./messages";
import { note } from "./note";
import { keepReading } from "./reading";

/** How the line to the gateway stands; `since` is in milliseconds since 1970. */
export type LineState =
  | { readonly kind: "connecting" }
  | { readonly kind: "connected" }
  | { readonly kind: "lost"; readonly since: number };

/** All that a view shows of the line. It is `joined` once nothing is missed any more, or once that cannot be waited for. */
export interface LineView {
  readonly state: LineState;
  readonly joined: boolean;
  readonly pending: PendingChangesState | null;
}

/** What tabs say to each other. */
type Post =
  | { readonly kind: "hello" }
  | {
      readonly kind: "welcome";
      readonly state: LineState;
      readonly lastId: string | null;
      readonly pending: PendingChangesState | null;
    }
  | { readonly kind: "state"; readonly state: LineState }
  | { readonly kind: "began"; readonly seq: number }
  | { readonly kind: "frames"; readonly frames: readonly Frame[] };

/**
 * The live updates of one session, read once for all tabs of the browser.
 *
 * The tab that holds the lock reads, and hands each message to the others; when it goes, the browser gives the lock to
 * the next one, which goes on behind the last message that it has seen. Where there are no locks (a page that came by
 * plain HTTP from another machine), each tab reads for itself.
 */
export class Line {
  readonly #name: string;
  readonly #refused: () => void;
  readonly #listeners = new Set<(message: LiveMessage) => void>();
  readonly #watchers = new Set<() => void>();
  #view: LineView = { state: { kind: "connecting" }, joined: false, pending: null };
  #lastId: string | null = null;
  #channel: BroadcastChannel | null = null;
  #leads = false;

  /** `name` tells sessions apart; `refused` is called when this one is over. */
  constructor(name: string, refused: () => void) {
    this.#name = `photobus-live:${name}`;
    this.#refused = refused;
  }

  /** Joins the other tabs, and reads if none does; returns how to leave. */
  readonly start = (): (() => void) => {
    const leaving = new AbortController();
    if ("locks" in navigator) {
      const channel = new BroadcastChannel(this.#name);
      this.#channel = channel;
      channel.onmessage = (event: MessageEvent<Post>) => this.#heard(event.data);
      this.#post({ kind: "hello" });
      // The lock is kept for as long as the promise is pending; to leave the queue, or the page, gives it up.
      void navigator.locks
        .request(this.#name, { signal: leaving.signal }, () => this.#lead(leaving.signal))
        .catch((error: unknown) => note("left", error));
    } else {
      void this.#lead(leaving.signal);
    }
    return () => {
      leaving.abort();
      this.#channel?.close();
      this.#channel = null;
    };
  };

  /** Calls `listener` with each message, in order; returns how to stop. */
  readonly listen = (listener: (message: LiveMessage) => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Calls `watcher` when the view has changed; returns how to stop. */
  readonly watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  /** How it stands; the same object until something changes. */
  readonly view = (): LineView => this.#view;

  /** Stop waiting for the line: lists are read now, and anew (`reset`) once it stands. */
  readonly goOnWithout = (): void => this.#change({ joined: true });

  async #lead(signal: AbortSignal): Promise<void> {
    note("this tab reads for all");
    this.#leads = true;
    const reader = {
      lastId: () => this.#lastId,
      took: (frames: readonly Frame[], fresh: boolean) => this.#took(frames, fresh),
      lost: () => this.#stands(this.#lost()),
      refused: this.#refused,
    };
    await keepReading(reader, signal);
    this.#leads = false;
  }

  /** What came by the connection of this tab. */
  #took(frames: readonly Frame[], fresh: boolean): void {
    const greeting = frames.find((frame) => frame.event === "connected");
    const shared = frames.filter((frame) => frame !== greeting);
    const greeted = greeting === undefined ? null : messageOf(greeting);
    if (greeted?.name === "connected" && fresh) {
      this.#post({ kind: "began", seq: greeted.data.seq });
      this.#begin(greeted.data.seq);
    }
    this.#post({ kind: "frames", frames: shared });
    this.#dispatch(shared);
    if (greeted !== null) this.#stands({ kind: "connected" });
  }

  /** A connection stands that asked for nothing missed: who has read lists before must read them anew. */
  #begin(seq: number): void {
    this.#lastId = String(seq);
    if (this.#view.joined) this.#tell({ name: "reset", data: { seq } });
  }

  #lost(): LineState {
    return this.#view.state.kind === "lost" ? this.#view.state : { kind: "lost", since: Date.now() };
  }

  #stands(state: LineState): void {
    if (state === this.#view.state) return;
    note(state.kind);
    this.#change({ state, joined: true });
    this.#post({ kind: "state", state });
  }

  /** What another tab said. */
  #heard(post: Post): void {
    if (post.kind === "hello") {
      if (!this.#leads) return;
      this.#post({
        kind: "welcome",
        state: this.#view.state,
        lastId: this.#lastId,
        pending: this.#view.pending,
      });
    } else if (this.#leads) {
      note("another tab reads too", post);
    } else if (post.kind === "began") {
      this.#begin(post.seq);
    } else if (post.kind === "frames") {
      this.#dispatch(post.frames);
    } else if (post.kind === "state") {
      this.#change({ state: post.state, joined: true });
    } else {
      this.#welcomed(post);
    }
  }

  #welcomed({ state, lastId, pending }: Extract<Post, { kind: "welcome" }>): void {
    const late = this.#view.joined && this.#lastId === null; // lists were read before this tab heard messages
    if (lastId !== null && isAfter(lastId, this.#lastId)) this.#lastId = lastId;
    this.#change({ state, pending, joined: this.#view.joined || state.kind !== "connecting" });
    if (late && lastId !== null) this.#tell({ name: "reset", data: { seq: Number.parseInt(lastId, 10) } });
  }

  #dispatch(frames: readonly Frame[]): void {
    for (const frame of frames) {
      const known = frame.event !== "reset" && frame.id !== null && !isAfter(frame.id, this.#lastId);
      if (known) continue;
      if (frame.id !== null) this.#lastId = frame.id;
      const message = messageOf(frame);
      note(frame.id, frame.event, message?.data);
      if (message?.name === "pending_changes_state") this.#change({ pending: message.data });
      if (message !== null) this.#tell(message);
    }
  }

  #tell(message: LiveMessage): void {
    for (const listener of this.#listeners) listener(message);
  }

  #change(change: Partial<LineView>): void {
    this.#view = { ...this.#view, ...change };
    for (const watcher of this.#watchers) watcher();
  }

  #post(post: Post): void {
    this.#channel?.postMessage(post);
  }
}
