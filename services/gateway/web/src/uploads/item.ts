import type { Schemas } from "../api/types";

/**
 * Where a file stands on its way.
 *
 * `waiting` → `checking` → `ready` → `sending` → `stored` is the usual way. `hashing` needs its bytes read first, to be
 * told from what has its name; `asking` waits for a word of the user, `bringing` and `moving` for the photo of its name to
 * come from another project, `resting` for another try, and `lost` for the file itself, which a reload took away.
 */
export type State =
  | "waiting"
  | "checking"
  | "hashing"
  | "asking"
  | "bringing"
  | "moving"
  | "ready"
  | "sending"
  | "resting"
  | "lost"
  | "stored"
  | "skipped"
  | "moved"
  | "refused"
  | "failed";

/** What the user may say where the name is taken; `bring` only where another project has it. */
export type Choice = "skip" | "overwrite" | "rename" | "bring";

/** Whose the name is: another file's of this project, or a photo's of another project. */
export interface Clash {
  readonly kind: "here" | "elsewhere";
  readonly photoId: number | null;
  readonly projectFolder: string | null;
}

export type Result = Schemas["UploadResult"];
export type Analysis = Schemas["FileAnalysis"];

/** One file of a drop, without its bytes, so that thousands take little room and can be kept over a reload. */
export interface Item {
  readonly id: string;
  readonly drop: string;
  readonly projectId: number;
  /** Where it lay in what was dropped. */
  readonly path: string;
  /** Under which it is sent: its own name, or one with a number. */
  readonly name: string;
  readonly size: number;
  /** In milliseconds since 1970. */
  readonly modifiedAt: number;
  readonly state: State;
  /** How many bytes have left, as far as is known. */
  readonly sent: number;
  readonly md5: string | null;
  readonly clash: Clash | null;
  readonly choice: Choice | null;
  /** Whether its bytes may be there already without our knowing: to find them is no longer to skip them. */
  readonly tried: boolean;
  /** The number in its name, where a photo of another project has that without one. */
  readonly number: number;
  readonly uploadUrl: string | null;
  readonly photoId: number | null;
  readonly storedAs: string | null;
  readonly reason: string | null;
  readonly tries: number;
}

const SETTLED: ReadonlySet<State> = new Set(["stored", "skipped", "moved", "refused", "failed"]);

/** Whether nothing more happens to it by itself. */
export function isSettled({ state }: Item): boolean {
  return SETTLED.has(state);
}

/** What the file was, before it is known to anybody. */
export function newItem(
  given: Pick<Item, "id" | "drop" | "projectId" | "path" | "name" | "size" | "modifiedAt">,
): Item {
  return {
    ...given,
    state: "waiting",
    sent: 0,
    md5: null,
    clash: null,
    choice: null,
    tried: false,
    number: 1,
    uploadUrl: null,
    photoId: null,
    storedAs: null,
    reason: null,
    tries: 0,
  };
}

/** As it is found after a reload, which interrupts everything and takes the bytes away. */
export function afterReload(item: Item): Item {
  if (isSettled(item)) return item;
  if (item.state === "moving") return { ...item, state: "moved" }; // by a task, which goes on without this page
  return { ...item, state: "lost", sent: 0, tried: item.tried || item.state === "sending" };
}
