import type { Photo } from "../api/types";
import type { ItemMessage, ItemMovedMessage, LiveMessages } from "../live/messages";
import { type Entry, entryOf, type Ghost, patched, reread } from "./entries";
import { inProject, matches, mayMatchNow } from "./matching";
import type { ListModel, Spot } from "./model";
import type { Key } from "./order";
import type { Portion } from "./portions";
import { seen } from "./sight";

/**
 * What a message leaves open: nothing, or how the photo stands now, which the server has to be asked.
 *
 * `new` is to be asked as well, and was not in the list until now, if it is in it at all.
 */
export type Open = "nothing" | "ask" | "new";

/** So many photos that came are remembered one by one; of more it is only known that there are. */
const MOST_ARRIVALS = 5000;

/**
 * What happens to a list while it is looked at.
 *
 * Nothing in sight moves by it: what is gone stays as a ghost, and what comes waits (`held`) where it would push others
 * away, until nobody looks there or the user takes it in. At the very top, and at the end, photos come in at once.
 */
export class ListChanges {
  readonly #model: ListModel;
  /** Photos that came and have not been in the view, with their places. */
  readonly arrivals = new Map<number, Key>();
  readonly #held = new Map<number, Photo>();
  /** Photos that waited when they left their project, and may turn up in another that the list shows too. */
  readonly #leftWaiting = new Set<number>();
  /** Whether something happened where nothing is loaded, so that only the server knows how many photos match. */
  uncounted = false;

  constructor(model: ListModel) {
    this.#model = model;
  }

  /** How many photos in sight are in the list no more. */
  ghostsInSight(): number {
    return [...seen(this.#model)].filter(({ entry }) => entry.ghost !== null).length;
  }

  /** A photo changed. */
  item(message: ItemMessage): Open {
    const held = this.#held.get(message.photo_id);
    if (held !== undefined && message.version > held.version) this.#held.set(held.id, patched(held, message));
    const spot = this.#model.find(message.photo_id);
    const entry = spot?.portion.entries?.[spot.index];
    if (spot === null || entry === undefined) return this.#unknown(message);
    if (message.version <= entry.photo.version) return "nothing";
    if (message.change !== undefined || entry.ghost?.kind === "removed") return "ask";
    this.#put(spot, entry, withPicture(entry, patched(entry.photo, message), message));
    return "nothing";
  }

  /** A photo left the catalogue, or its project. */
  removed({ photo_id, project_folder, version }: LiveMessages["item_removed"]): void {
    if (this.#held.delete(photo_id)) this.#leftWaiting.add(photo_id);
    this.arrivals.delete(photo_id);
    const spot = this.#model.find(photo_id);
    const entry = spot?.portion.entries?.[spot.index];
    if (spot !== null && entry !== undefined && version >= entry.photo.version) {
      this.#haunt(spot, { ...entry, photo: { ...entry.photo, version } }, { kind: "removed" });
    } else if (inProject(project_folder, this.#model.filter)) {
      this.uncounted = true;
    }
  }

  /** A photo came into a project; that it left another was told before. */
  moved(message: ItemMovedMessage): Open {
    const spot = this.#model.find(message.photo_id);
    const entry = spot?.portion.entries?.[spot.index];
    const here = inProject(message.project_folder, this.#model.filter);
    if (this.#leftWaiting.delete(message.photo_id) && here) return "new";
    if (spot === null || entry === undefined) return here ? this.#movedUnknown() : "nothing";
    if (message.version < entry.photo.version) return "nothing";
    const photo = patched(entry.photo, message);
    if (here) this.#put(spot, entry, { ...entry, photo });
    else this.#haunt(spot, { ...entry, photo }, { kind: "moved", to: message.project_folder });
    return here ? "ask" : "nothing"; // the name of the project is not in the message
  }

  /** A project is gone, with all its photos. */
  projectGone(folder: string): void {
    this.uncounted = true;
    this.#eachEntry((spot, entry) => {
      if (entry.photo.project_folder === folder) this.#haunt(spot, entry, { kind: "removed" });
    });
  }

  /** A project is called otherwise, or its folder. */
  projectCalled(projectId: number, names: Partial<Pick<Photo, "project_folder" | "project_name">>): void {
    this.#eachEntry((spot, entry) => {
      if (entry.photo.project_id !== projectId) return;
      this.#model.replace(spot, { ...entry, photo: { ...entry.photo, ...names } });
    });
  }

  /**
   * How photos stand that were asked for: those of them that are in the list, as they are now.
   *
   * `asked` says of each whether it is new: of another one it is not known whether it was in the list before.
   */
  answered(asked: ReadonlyMap<number, boolean>, photos: readonly Photo[]): void {
    const inList = new Map(photos.map((photo) => [photo.id, photo]));
    for (const [id, isNew] of asked) {
      const photo = inList.get(id);
      const spot = this.#model.find(id);
      const entry = spot?.portion.entries?.[spot.index];
      if (spot !== null && entry !== undefined) {
        if (photo !== undefined) this.#put(spot, entry, reread(entry, photo));
        else this.#haunt(spot, entry, entry.ghost ?? { kind: "unmatched" });
      } else if (photo !== undefined) {
        this.#came(photo, isNew);
      }
    }
  }

  /** Does what waited for nobody to look; `everywhere` also what is in sight, as the user wishes. */
  settle(everywhere = false): void {
    const model = this.#model;
    const due = model.portions.filter(
      (portion) => this.#isUnsettled(portion) && (everywhere || !model.isInSight(portion)),
    );
    const held = [...this.#held.values()].filter((photo) => everywhere || !this.#isAwaitedInSight(photo));
    if (due.length === 0 && held.length === 0) return;
    model.keep(() => {
      const misplaced = due.flatMap((portion) => portion.entries?.filter(isAstray) ?? []);
      for (const portion of due) {
        portion.seam = 0;
        model.setEntries(portion, portion.entries?.filter((entry) => entry.ghost === null && !entry.misplaced) ?? []);
      }
      for (const photo of [...misplaced.map((entry) => entry.photo), ...held]) this.#insert(photo);
      for (const photo of held) this.#held.delete(photo.id);
    });
  }

  /** Forgets arrivals that are in the view by now. */
  seen(): void {
    if (this.arrivals.size === 0) return;
    for (const { entry } of seen(this.#model)) this.arrivals.delete(entry.photo.id);
  }

  /** The list was read anew: what waited is in it. */
  forget(): void {
    this.arrivals.clear();
    this.#held.clear();
    this.uncounted = false;
  }

  /** All of it in sight at once: what came, what is gone. Returns the first that came, in the order of the list. */
  takeIn(): Key | null {
    this.settle(true);
    let first: Key | null = null;
    for (const key of this.arrivals.values()) {
      if (first === null || this.#model.isBefore(key, first)) first = key;
    }
    this.arrivals.clear();
    return first;
  }

  /** A photo that is not loaded changed: it may be in the list from now on, or may have been before. */
  #unknown(message: ItemMessage): Open {
    const { filter } = this.#model;
    if (!inProject(message.project_folder, filter)) return "nothing";
    if (message.change === "added" || message.change === "restored") return "new";
    return mayMatchNow(message, filter) ? "ask" : "nothing";
  }

  /** What moved into a project is new there; among all photos it was before. */
  #movedUnknown(): Open {
    const { project_folder, project_folders } = this.#model.filter;
    if (project_folder != null) return "new";
    return project_folders !== undefined && project_folders.length > 0 ? "ask" : "nothing";
  }

  /** A photo is in the list that is not loaded: it gets its place, at once or when that moves nothing in sight. */
  #came(photo: Photo, isNew: boolean): void {
    const model = this.#model;
    if (model.portions.length === 0) {
      model.beginWith(photo);
      this.#count(1);
      return;
    }
    const portion = model.portionOfKey(model.keyOf(photo));
    if (portion === undefined) return;
    if (portion.entries === null && !isNew) {
      this.uncounted = true;
      return;
    }
    this.#count(1);
    const inSight = portion.entries !== null && model.isInSight(portion);
    if (inSight && !this.#mayShow(portion, photo)) this.#held.set(photo.id, photo);
    else model.keep(() => this.#insert(photo));
    const shown = inSight && !this.#held.has(photo.id);
    if (!shown && this.arrivals.size < MOST_ARRIVALS) this.arrivals.set(photo.id, model.keyOf(photo));
  }

  #count(more: number): void {
    if (this.#model.total !== null) this.#model.total += more;
  }

  /** Whether a photo can come into a portion in sight: it pushes nothing away, or the user waits for it there. */
  #mayShow(portion: Portion, photo: Photo): boolean {
    const model = this.#model;
    if (model.height <= model.viewHeight) return true;
    const at = model.placeIn(portion, photo);
    if (portion === model.portions[0] && at <= portion.seam && model.atTop) return true;
    return portion === model.portions.at(-1) && at === portion.entries?.length;
  }

  /** Puts a photo into its portion, or counts it there where that is not loaded; call it within `keep`. */
  #insert(photo: Photo): void {
    const model = this.#model;
    const portion = model.portionOfKey(model.keyOf(photo));
    if (portion === undefined || model.find(photo.id) !== null) return;
    if (portion.entries === null) {
      portion.count += 1;
      return;
    }
    const at = model.placeIn(portion, photo);
    const atHead = portion === model.portions[0] && model.atTop && at <= portion.seam && !this.#fits();
    if (atHead) portion.seam += 1;
    if (at === portion.entries.length && portion === model.portions.at(-1)) portion.last = model.keyOf(photo).value;
    model.setEntries(portion, portion.entries.toSpliced(at, 0, entryOf(photo)));
  }

  /** Whether the whole list is in the view, so that there is nothing to keep in its place. */
  #fits(): boolean {
    return this.#model.height <= this.#model.viewHeight;
  }

  #put(spot: Spot, before: Entry, after: Entry): void {
    const model = this.#model;
    if (before.ghost !== null) this.#count(1);
    const misplaced = after.misplaced || model.keyOf(before.photo).value !== model.keyOf(after.photo).value;
    const entry = { ...after, ghost: null, misplaced };
    if (matches(after.photo, model.filter)) model.replace(spot, entry);
    else this.#haunt(spot, entry, { kind: "unmatched" });
  }

  #haunt(spot: Spot, entry: Entry, ghost: Ghost): void {
    if (entry.ghost === null) this.#count(-1);
    this.#model.replace(spot, { ...entry, ghost });
  }

  #isUnsettled(portion: Portion): boolean {
    return portion.seam > 0 || (portion.entries?.some((entry) => entry.ghost !== null || entry.misplaced) ?? false);
  }

  #isAwaitedInSight(photo: Photo): boolean {
    const portion = this.#model.portionOfKey(this.#model.keyOf(photo));
    return portion !== undefined && this.#model.isInSight(portion);
  }

  #eachEntry(visit: (spot: Spot, entry: Entry) => void): void {
    for (const portion of this.#model.portions) {
      for (const [index, entry] of portion.entries?.entries() ?? []) visit({ portion, index }, entry);
    }
  }
}

function isAstray(entry: Entry): boolean {
  return entry.misplaced && entry.ghost === null;
}

/** The entry with a changed photo, whose thumbnail is another one where the message tells of it. */
function withPicture(entry: Entry, photo: Photo, message: ItemMessage): Entry {
  return {
    ...entry,
    photo,
    pictureVersion: message.thumbnail_status === undefined ? entry.pictureVersion : photo.version,
  };
}
