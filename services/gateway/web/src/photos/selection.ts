import type { Photo, PhotoFilter } from "../api/types";
import type { LiveMessage } from "../live/messages";
import { matches } from "./matching";
import type { PhotoRef } from "./photoRef";

/**
 * What actions work on: photos one by one, wherever they lie, or all that a filter matches, however many they are.
 *
 * It has nothing to do with what is shown: it stays when the view is filtered, sorted, scrolled or left.
 */
export type Selection =
  | { readonly kind: "photos"; readonly refs: ReadonlyMap<number, PhotoRef> }
  | { readonly kind: "matching"; readonly filter: PhotoFilter; readonly total: number };

/** A selection with what a range is extended by. */
export interface Selecting {
  readonly selection: Selection;
  /** What was selected before the range that is being extended. */
  readonly before: ReadonlyMap<number, PhotoRef>;
  /** Photos that left a project a moment ago, of which the next message may say that they came to another. */
  readonly leaving: ReadonlyMap<number, PhotoRef>;
}

const NONE: ReadonlyMap<number, PhotoRef> = new Map();

export const NOTHING: Selecting = { selection: { kind: "photos", refs: NONE }, before: NONE, leaving: NONE };

/** How many photos are selected; of a filter, as many as matched when it was selected. */
export function countOf(selection: Selection): number {
  return selection.kind === "photos" ? selection.refs.size : selection.total;
}

export function isSelected(selection: Selection, photo: Photo): boolean {
  return selection.kind === "photos" ? selection.refs.has(photo.id) : matches(photo, selection.filter);
}

/** Adds a photo, or takes it out; a range that is extended next starts at it. */
export function toggled(state: Selecting, ref: PhotoRef): Selecting {
  const refs = new Map(refsOf(state));
  if (!refs.delete(ref.photo_id)) refs.set(ref.photo_id, ref);
  return picked(refs);
}

/** Selects these and nothing else. */
export function only(refs: Iterable<PhotoRef>): Selecting {
  return picked(byId(refs));
}

/** Adds these to what is selected. */
export function added(state: Selecting, refs: Iterable<PhotoRef>): Selecting {
  return picked(new Map([...refsOf(state), ...byId(refs)]));
}

/** Makes the range that began with the last photo that was picked these photos; what it held before is as it was. */
export function extended(state: Selecting, range: Iterable<PhotoRef>): Selecting {
  const refs = new Map([...state.before, ...byId(range)]);
  return { ...state, selection: { kind: "photos", refs } };
}

/** Selects all that the filter matches, now and when something is done with them. */
export function matching(filter: PhotoFilter, total: number): Selecting {
  return { ...NOTHING, selection: { kind: "matching", filter, total } };
}

/**
 * Follows a live message: a photo that moves stays selected where it is now, under the name that it has there.
 *
 * One that is gone is `leaving` until `settled`, since it may turn up in another project.
 */
export function followed(state: Selecting, message: LiveMessage): Selecting {
  if (state.selection.kind === "matching") return state;
  switch (message.name) {
    case "item":
    case "item_moved":
      return arrived(state, message.data);
    case "item_removed":
      return left(state, (ref) => ref.photo_id === message.data.photo_id);
    case "project_canceled":
    case "project_removed":
      return left(state, (ref) => ref.project_folder === message.data.project_folder);
    case "folder_renamed":
      return renamed(state, message.data.old_folder, message.data.new_folder);
    default:
      return state;
  }
}

/** Gives up what left and did not turn up anywhere; says how many photos that were. */
export function settled(state: Selecting): { readonly state: Selecting; readonly lost: number } {
  return { state: { ...state, leaving: NONE }, lost: state.leaving.size };
}

function refsOf({ selection }: Selecting): ReadonlyMap<number, PhotoRef> {
  return selection.kind === "photos" ? selection.refs : NONE;
}

function picked(refs: ReadonlyMap<number, PhotoRef>): Selecting {
  return { selection: { kind: "photos", refs }, before: refs, leaving: NONE };
}

function byId(refs: Iterable<PhotoRef>): Map<number, PhotoRef> {
  return new Map(Array.from(refs, (ref) => [ref.photo_id, ref]));
}

function arrived(state: Selecting, { photo_id, project_folder, filename }: PhotoRef): Selecting {
  const known = refsOf(state).get(photo_id) ?? state.leaving.get(photo_id);
  if (known === undefined) return state;
  if (refsOf(state).get(photo_id) === known && known.project_folder === project_folder && known.filename === filename) {
    return state;
  }
  const leaving = new Map(state.leaving);
  leaving.delete(photo_id);
  return { ...withRefs(state, (refs) => refs.set(photo_id, { photo_id, project_folder, filename })), leaving };
}

function left(state: Selecting, isGone: (ref: PhotoRef) => boolean): Selecting {
  const gone = [...refsOf(state).values()].filter(isGone);
  if (gone.length === 0) return state;
  const without = withRefs(state, (refs) => {
    for (const ref of gone) refs.delete(ref.photo_id);
  });
  return { ...without, leaving: new Map([...state.leaving, ...byId(gone)]) };
}

function renamed(state: Selecting, before: string, now: string): Selecting {
  return withRefs(state, (refs) => {
    for (const ref of refs.values()) {
      if (ref.project_folder === before) refs.set(ref.photo_id, { ...ref, project_folder: now });
    }
  });
}

/** Changes the photos that are selected, and in the same way those from before the range. */
function withRefs(state: Selecting, change: (refs: Map<number, PhotoRef>) => void): Selecting {
  const refs = new Map(refsOf(state));
  change(refs);
  const before = new Map([...state.before.keys()].flatMap((id) => entryOf(refs, id)));
  return { ...state, selection: { kind: "photos", refs }, before };
}

function entryOf(refs: ReadonlyMap<number, PhotoRef>, id: number): [number, PhotoRef][] {
  const ref = refs.get(id);
  return ref === undefined ? [] : [[id, ref]];
}
