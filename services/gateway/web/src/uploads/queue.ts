import { type Item, isSettled, type State } from "./item";
import { rankOf, stemOf } from "./order";
import { add, EMPTY_TALLY, type Tally } from "./tally";

/** States in which a file has its name for itself: others of the same name have to see what becomes of it. */
const CLAIMS: ReadonlySet<State> = new Set(["checking", "hashing", "asking", "bringing", "moving", "ready", "sending"]);

/**
 * All files that are under way, by state, by name and by photo, with their sums kept beside them. Pure but for its own
 * memory: each change takes the same time, however many files there are.
 */
export class Queue {
  readonly #items = new Map<string, Item>();
  readonly #byState = new Map<State, Set<string>>();
  readonly #names = new Map<string, string>();
  readonly #photos = new Map<string, Set<string>>();
  readonly #tallies = new Map<string, Tally>();

  get(id: string): Item | undefined {
    return this.#items.get(id);
  }

  all(): Iterable<Item> {
    return this.#items.values();
  }

  /** Takes in a file, or what has become of it. */
  put(item: Item): void {
    const before = this.#items.get(item.id);
    if (before !== undefined) this.#forget(before);
    this.#items.set(item.id, item);
    this.#at(item.state).add(item.id);
    if (CLAIMS.has(item.state)) this.#names.set(nameKey(item), item.id);
    this.#family(item).add(item.id);
    this.#count(item.drop, item, 1);
  }

  remove(item: Item): void {
    const before = this.#items.get(item.id);
    if (before === undefined) return;
    this.#forget(before);
    this.#items.delete(item.id);
  }

  /** The files in one state, in the order in which they came to it. */
  *in(state: State): Iterable<Item> {
    for (const id of this.#at(state)) {
      const item = this.#items.get(id);
      if (item !== undefined) yield item;
    }
  }

  size(state: State): number {
    return this.#at(state).size;
  }

  /** Whether another file of the same name is on its way into the same project. */
  isNameTaken(item: Item): boolean {
    const holder = this.#names.get(nameKey(item));
    return holder !== undefined && holder !== item.id;
  }

  /** Files of the same photo that have to be settled before this one is sent: its JPEG before its RAW. */
  *before(item: Item): Iterable<Item> {
    for (const id of this.#family(item)) {
      const other = this.#items.get(id);
      if (other !== undefined && !isSettled(other) && rankOf(other.name) < rankOf(item.name)) yield other;
    }
  }

  tally(drop: string): Tally {
    return this.#tallies.get(drop) ?? EMPTY_TALLY;
  }

  #forget(item: Item): void {
    this.#at(item.state).delete(item.id);
    if (this.#names.get(nameKey(item)) === item.id) this.#names.delete(nameKey(item));
    const family = this.#family(item);
    family.delete(item.id);
    if (family.size === 0) this.#photos.delete(photoKey(item));
    this.#count(item.drop, item, -1);
  }

  #count(drop: string, item: Item, times: 1 | -1): void {
    this.#tallies.set(drop, add(this.tally(drop), item, times));
  }

  #at(state: State): Set<string> {
    return entry(this.#byState, state);
  }

  #family(item: Item): Set<string> {
    return entry(this.#photos, photoKey(item));
  }
}

function entry<Key>(map: Map<Key, Set<string>>, key: Key): Set<string> {
  let set = map.get(key);
  if (set === undefined) {
    set = new Set();
    map.set(key, set);
  }
  return set;
}

function nameKey({ projectId, name }: Item): string {
  return `${projectId}/${name}`;
}

/** Files of one photo come from one folder: two folders may each have their DSC01. */
function photoKey({ drop, path }: Item): string {
  const slash = path.lastIndexOf("/") + 1;
  return `${drop}/${path.slice(0, slash)}${stemOf(path.slice(slash))}`;
}
