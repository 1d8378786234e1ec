import type { Photo } from "../api/types";
import type { ItemMessage } from "../live/messages";
import { aspectOf } from "./layout";
import type { PhotoRef } from "./photoRef";

/** Why a photo that is still shown is in the list no more. */
export type Ghost =
  | { readonly kind: "removed" }
  | { readonly kind: "moved"; readonly to: string }
  | { readonly kind: "unmatched" };

/** A photo as the grid shows it. Entries never change: another one stands in the place of one that did. */
export interface Entry {
  readonly photo: Photo;
  /** As it was laid out: that of the photo may have changed since. */
  readonly aspect: number;
  /** The version by which the thumbnail is asked for: not every change of a photo is one of its thumbnail. */
  readonly pictureVersion: number;
  readonly ghost: Ghost | null;
  /** Whether what it is sorted by has changed, so that it stands in the wrong place. */
  readonly misplaced: boolean;
}

export function entryOf(photo: Photo): Entry {
  return { photo, aspect: aspectOf(photo), pictureVersion: photo.version, ghost: null, misplaced: false };
}

/** How the photo is named in a selection. */
export function refOf({ id, project_folder, filename }: Photo): PhotoRef {
  return { photo_id: id, project_folder, filename };
}

/** The entry with the photo as it was read again. */
export function reread(entry: Entry, photo: Photo): Entry {
  if (photo.version < entry.photo.version) return entry;
  const samePicture = photo.version === entry.photo.version;
  return { ...entry, photo, pictureVersion: samePicture ? entry.pictureVersion : photo.version, ghost: null };
}

/** The photo as a live message says it is now; what the message does not tell stays as it was. */
export function patched(photo: Photo, message: ItemMessage): Photo {
  const { photo_id: _id, reason, change: _change, ...told } = message;
  const now = { ...photo, ...told, derivative_reason: reasonAfter(photo, message, reason) };
  return { ...now, shape: shapeOf(now) };
}

/** A reason stands for as long as what it is about is as it was. */
function reasonAfter(photo: Photo, message: ItemMessage, reason: string | undefined): string | null {
  if (reason !== undefined) return reason;
  return message.thumbnail_status === undefined ? photo.derivative_reason : null;
}

function shapeOf({ width, height }: Photo): Photo["shape"] {
  if (width === null || height === null) return null;
  if (width === height) return "square";
  return width > height ? "landscape" : "portrait";
}
