import type { Schemas } from "../api/types";

/** What is done with photos by an action. */
export type Change =
  | { readonly kind: "tags"; readonly add: readonly string[]; readonly remove: readonly string[] }
  | { readonly kind: "keep"; readonly keep: Keep }
  | { readonly kind: "process"; readonly force: boolean }
  | { readonly kind: "move"; readonly folder: string; readonly name: string };

/** Which kinds are kept, and which are marked for removal; a kind that is absent stays as it is. */
export interface Keep {
  readonly keep_jpg?: boolean;
  readonly keep_raw?: boolean;
  readonly keep_other?: boolean;
}

/** The task that makes the change of any number of photos, and its parameters. */
export function taskOf(change: Change): { readonly type: string; readonly params: Record<string, unknown> } {
  switch (change.kind) {
    case "tags":
      return { type: "tags_update", params: tagParams(change.add, change.remove) };
    case "keep":
      return { type: "keep_update", params: { ...change.keep } };
    case "process":
      return { type: "generate_derivatives", params: change.force ? { force: true } : {} };
    case "move":
      return { type: "image_move", params: { dest_folder: change.folder } };
  }
}

/** Whether it asks for anything at all. */
export function saysSomething(change: Change): boolean {
  if (change.kind === "tags") return change.add.length + change.remove.length > 0;
  return change.kind !== "keep" || Object.keys(change.keep).length > 0;
}

/** What gives photos the tags and the marks again that they had before a change. */
export interface Reversal {
  readonly add: readonly Schemas["TaggedPhoto"][];
  readonly remove: readonly Schemas["TaggedPhoto"][];
  readonly keep: readonly Schemas["KeptPhoto"][];
}

const FLAGS = { jpg: "keep_jpg", raw: "keep_raw", other: "keep_other" } as const;

/**
 * How a change that was made at once is taken back: for those photos that it changed, what its preview foretold.
 *
 * Whatever else such a photo has got meanwhile, it keeps.
 */
export function reversalOf(plan: Schemas["TagsPlan"] | Schemas["KeepPlan"], changed: ReadonlySet<number>): Reversal {
  const parts = plan.items.flatMap((item) => {
    if (!changed.has(item.photo_id)) return [];
    return ["adds" in item ? tagsBefore(item) : keepBefore(item)];
  });
  return {
    add: parts.flatMap(({ add }) => add),
    remove: parts.flatMap(({ remove }) => remove),
    keep: parts.flatMap(({ keep }) => keep),
  };
}

function tagsBefore({ photo_id, adds, removes }: Schemas["PlannedTags"]): Reversal {
  return {
    add: removes.length > 0 ? [{ photo_id, tags: removes }] : [],
    remove: adds.length > 0 ? [{ photo_id, tags: adds }] : [],
    keep: [],
  };
}

function keepBefore({ photo_id, keeps, gives_up }: Schemas["PlannedKeep"]): Reversal {
  const flags = [...gives_up.map((kind) => [FLAGS[kind], true]), ...keeps.map((kind) => [FLAGS[kind], false])];
  return { add: [], remove: [], keep: flags.length > 0 ? [{ photo_id, ...Object.fromEntries(flags) }] : [] };
}

function tagParams(add: readonly string[], remove: readonly string[]): Record<string, unknown> {
  return { ...(add.length > 0 && { add }), ...(remove.length > 0 && { remove }) };
}
