import type { Schemas } from "../api/types";
import type { LiveMessage } from "../live/messages";
import { patched } from "../photos/entries";

type Detail = Schemas["PhotoDetail"];

/** What became of a photo while it was shown. */
export type Fate =
  | { readonly kind: "moved"; readonly to: string }
  | { readonly kind: "removed" }
  | { readonly kind: "project deleted" };

/** The photo as a message says it is now; the same object where the message does not tell of it, or nothing new. */
export function detailAfter(known: Detail | undefined, message: LiveMessage): Detail | undefined {
  if (known === undefined || message.name !== "item") return known;
  const { photo_id, version } = message.data;
  if (photo_id !== known.id || version <= known.version) return known;
  return { ...known, ...patched(known, message.data) };
}

/** Whether a message tells of the photo what only reading it says in full. */
export function readsAnew(id: number, message: LiveMessage): boolean {
  switch (message.name) {
    case "reset":
    case "folder_renamed":
    case "project_renamed":
      return true;
    case "item":
      return message.data.photo_id === id && (message.data.change !== undefined || "width" in message.data);
    case "item_moved":
      return message.data.photo_id === id;
    default:
      return false;
  }
}

/** What a message says became of the photo: null that it is there, undefined that the message does not tell. */
export function fateAfter(id: number, known: Detail | undefined, message: LiveMessage): Fate | null | undefined {
  switch (message.name) {
    case "item_removed":
      return message.data.photo_id === id ? { kind: "removed" } : undefined;
    case "item_moved":
      return message.data.photo_id === id ? { kind: "moved", to: message.data.project_folder } : undefined;
    case "item":
      return message.data.photo_id === id && message.data.change === "restored" ? null : undefined;
    case "project_canceled":
      return message.data.project_folder === known?.project_folder ? { kind: "project deleted" } : undefined;
    default:
      return undefined;
  }
}

/** The photo whose pictures a message says are others than before; null if it says so of none. */
export function renewsPicture(message: LiveMessage): number | null {
  if (message.name !== "item") return null;
  const { photo_id, preview_status, thumbnail_status, change } = message.data;
  const made = preview_status === "generated" || thumbnail_status === "generated";
  return made || change !== undefined ? photo_id : null;
}
