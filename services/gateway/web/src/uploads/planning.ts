import type { Item } from "./item";
import type { Queue } from "./queue";

/** One request: a group of small files by multipart, or a large one by tus. */
export type Plan =
  | { readonly kind: "group"; readonly items: readonly Item[] }
  | { readonly kind: "large"; readonly item: Item };

export interface Limits {
  /** From this size on, a file is sent resumably, and by itself. */
  readonly large: number;
  readonly groupFiles: number;
  readonly groupBytes: number;
  /** Requests of a kind at once, so that neither waits for the other. */
  readonly groups: number;
  readonly larges: number;
}

const MEBI = 1024 * 1024;

export const LIMITS: Limits = { large: 16 * MEBI, groupFiles: 24, groupBytes: 32 * MEBI, groups: 2, larges: 2 };

/** How many requests of each kind are under way. */
export interface Lanes {
  readonly groups: number;
  readonly larges: number;
}

/** The next request that may be sent; null if all that is ready has to wait. */
export function nextPlan(queue: Queue, lanes: Lanes, limits: Limits = LIMITS): Plan | null {
  return (
    (lanes.larges < limits.larges ? largePlan(queue, limits) : null) ??
    (lanes.groups < limits.groups ? groupPlan(queue, limits) : null)
  );
}

function largePlan(queue: Queue, limits: Limits): Plan | null {
  for (const item of queue.in("ready")) {
    if (item.size >= limits.large && isFree(queue, item, [])) return { kind: "large", item };
  }
  return null;
}

function groupPlan(queue: Queue, limits: Limits): Plan | null {
  const group: Item[] = [];
  let bytes = 0;
  for (const item of queue.in("ready")) {
    if (item.size >= limits.large || !isOfDrop(item, group) || !isFree(queue, item, group)) continue;
    if (group.length >= limits.groupFiles || (group.length > 0 && bytes + item.size > limits.groupBytes)) break;
    group.push(item);
    bytes += item.size;
  }
  return group.length === 0 ? null : { kind: "group", items: group };
}

/** The files that are to be asked about next: no two of one name, for the second has to see what the first became. */
export function nextToCheck(queue: Queue, most: number): readonly Item[] {
  const portion: Item[] = [];
  const names = new Set<string>();
  let project: string | null = null;
  for (const item of queue.in("waiting")) {
    if (portion.length >= most) break;
    if ((project !== null && item.drop !== project) || names.has(item.name) || queue.isNameTaken(item)) continue;
    project = item.drop;
    names.add(item.name);
    portion.push(item);
  }
  return portion;
}

/** How many bytes of each file have left, when so many of the request have. */
export function spread(loaded: number, sizes: readonly number[]): readonly number[] {
  let rest = loaded;
  return sizes.map((size) => {
    const part = Math.min(size, Math.max(0, rest));
    rest -= size;
    return part;
  });
}

function isFree(queue: Queue, item: Item, group: readonly Item[]): boolean {
  for (const other of queue.before(item)) {
    if (!group.some(({ id }) => id === other.id)) return false;
  }
  return true;
}

function isOfDrop(item: Item, group: readonly Item[]): boolean {
  const first = group[0];
  return first === undefined || first.drop === item.drop;
}
