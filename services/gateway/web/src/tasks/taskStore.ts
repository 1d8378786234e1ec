import { readOpenTasks, readTask } from "../api/tasks";
import type { Line } from "../live/line";
import type { LiveMessage } from "../live/messages";
import { taskRead } from "./liveTask";
import { changedBy, type Tasks, withTask } from "./tasks";

/** Watchers hear of changes at most once in so many milliseconds. */
const GATHERS = 100;

/** A marked task is read at most once in so many milliseconds, and no more than so many at once. */
const READS_AGAIN = 2000;
const READS_AT_ONCE = 4;

export interface TasksView {
  readonly tasks: Tasks;
  /** Whether the open tasks were read. */
  readonly read: boolean;
  readonly error: unknown;
}

/**
 * The open tasks, and the last ones that ended while this page was open, kept true by live messages.
 *
 * Nothing is read again by the clock: once all open tasks, then each one whose messages do not say all of it.
 */
export class TaskStore {
  readonly #line: Line;
  readonly #watchers = new Set<() => void>();
  /** When each marked task was read last. */
  readonly #reading = new Map<string, number>();
  #underWay = 0;
  #view: TasksView = { tasks: new Map(), read: false, error: null };
  #leaving: AbortController | null = null;
  #gathering: ReturnType<typeof setTimeout> | null = null;
  #later: ReturnType<typeof setTimeout> | null = null;

  constructor(line: Line) {
    this.#line = line;
  }

  readonly view = (): TasksView => this.#view;

  readonly watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  /** Begins to listen, and reads; returns how to stop. Several may ask for it, one after the other. */
  readonly start = (): (() => void) => {
    const leaving = new AbortController();
    this.#leaving = leaving;
    const stop = this.#line.listen((message) => this.#heard(message));
    void this.#readAll(leaving.signal);
    return () => {
      leaving.abort();
      stop();
      this.#reading.clear();
    };
  };

  readonly again = (): void => {
    if (this.#leaving !== null) void this.#readAll(this.#leaving.signal);
  };

  async #readAll(signal: AbortSignal): Promise<void> {
    try {
      const page = await readOpenTasks(signal);
      let tasks = this.#view.tasks;
      for (const task of page.items) tasks = withTask(tasks, taskRead(tasks.get(task.id), task, Date.now()));
      this.#change({ tasks, read: true, error: null });
      this.#readMarked();
    } catch (error) {
      if (!signal.aborted) this.#change({ error, read: true });
    }
  }

  #heard(message: LiveMessage): void {
    if (message.name === "reset") {
      this.#change({ tasks: new Map() });
      this.again();
      return;
    }
    const { tasks } = this.#view;
    const changed = changedBy(tasks, message, Date.now());
    if (changed === undefined) return;
    this.#change({ tasks: withTask(tasks, changed) });
    if (changed.marked) this.#readMarked();
  }

  /** Reads those that are marked; what has just been read waits its turn. */
  #readMarked(): void {
    const signal = this.#leaving?.signal;
    if (signal === undefined || signal.aborted) return;
    const now = Date.now();
    let waiting = false;
    for (const task of this.#view.tasks.values()) {
      if (!task.marked) continue;
      const free = now - (this.#reading.get(task.id) ?? 0) >= READS_AGAIN && this.#underWay < READS_AT_ONCE;
      if (free) void this.#readOne(task.id, signal);
      else waiting = true;
    }
    if (waiting && this.#later === null) {
      this.#later = setTimeout(() => {
        this.#later = null;
        this.#readMarked();
      }, READS_AGAIN / 4);
    }
  }

  async #readOne(id: string, signal: AbortSignal): Promise<void> {
    this.#reading.set(id, Date.now());
    this.#underWay += 1;
    try {
      const detail = await readTask(id, signal);
      const { tasks } = this.#view;
      const known = tasks.get(id);
      if (known !== undefined) this.#change({ tasks: withTask(tasks, taskRead(known, detail, Date.now())) });
    } catch {
      // It stays marked: its turn comes again with its next message.
      if (!signal.aborted) this.#unmark(id);
    } finally {
      this.#underWay -= 1;
      if (!this.#view.tasks.get(id)?.marked) this.#reading.delete(id);
      this.#readMarked();
    }
  }

  #unmark(id: string): void {
    const known = this.#view.tasks.get(id);
    if (known !== undefined) this.#change({ tasks: withTask(this.#view.tasks, { ...known, marked: false }) });
  }

  #change(change: Partial<TasksView>): void {
    this.#view = { ...this.#view, ...change };
    this.#gathering ??= setTimeout(() => {
      this.#gathering = null;
      for (const watcher of this.#watchers) watcher();
    }, GATHERS);
  }
}
