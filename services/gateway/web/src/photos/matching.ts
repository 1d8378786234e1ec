import type { Photo, PhotoFilter } from "../api/types";
import type { ItemMessage } from "../live/messages";

/**
 * Whether a photo matches a filter, by the rules of the server (`photo_filter_sql`).
 *
 * The server alone says which photos are in a list; this says whether one that is shown still belongs there after a
 * change, without asking.
 */
export function matches(photo: Photo, filter: PhotoFilter): boolean {
  return inProject(photo.project_folder, filter) && CONDITIONS.every((holds) => holds(photo, filter));
}

/** Whether photos of the project in `folder` can be in the list at all. */
export function inProject(folder: string, filter: PhotoFilter): boolean {
  if (filter.project_folder != null && filter.project_folder !== folder) return false;
  const folders = filter.project_folders ?? [];
  return folders.length === 0 || folders.includes(folder);
}

/** Whether a commit would remove any file of the photo. */
export function isPendingDeletion(photo: Photo): boolean {
  return (
    (photo.jpg_available && !photo.keep_jpg) ||
    (photo.raw_available && !photo.keep_raw) ||
    (photo.other_available && !photo.keep_other)
  );
}

/** Whether a commit would remove every file of the photo, and so the photo. */
export function isAllPendingDeletion(photo: Photo): boolean {
  const kept =
    (photo.jpg_available && photo.keep_jpg) ||
    (photo.raw_available && photo.keep_raw) ||
    (photo.other_available && photo.keep_other);
  return !kept && isPendingDeletion(photo);
}

/**
 * Whether a message tells something that the filter asks for, so that a photo that is not loaded may match from now on.
 *
 * Whoever changed a hundred thousand photos would else have every view ask for all of them.
 */
export function mayMatchNow(message: ItemMessage, filter: PhotoFilter): boolean {
  if ((filter.tags ?? []).length > 0 && message.tags === undefined) return false;
  if (filter.status != null && ![message.thumbnail_status, message.preview_status].includes(filter.status))
    return false;
  return ASKS.some(({ filters, told }) => isAsked(filters, filter) && told.some((name) => message[name] !== undefined));
}

interface Ask {
  readonly filters: readonly (keyof PhotoFilter)[];
  readonly told: readonly (keyof ItemMessage)[];
}

const ASKS: readonly Ask[] = [
  { filters: ["tags"], told: ["tags"] },
  { filters: ["status"], told: ["thumbnail_status", "preview_status"] },
  { filters: ["pending_deletion", "keep_type"], told: ["keep_jpg", "change"] },
  { filters: ["date_from", "date_to"], told: ["taken_at"] },
  { filters: ["orientation"], told: ["width", "height", "change"] },
  { filters: ["file_type"], told: ["change"] },
];

function isAsked(names: readonly (keyof PhotoFilter)[], filter: PhotoFilter): boolean {
  return names.some((name) => {
    const wanted = filter[name];
    return Array.isArray(wanted) ? wanted.length > 0 : wanted != null && wanted !== "any";
  });
}

type Condition = (photo: Photo, filter: PhotoFilter) => boolean;

const CONDITIONS: readonly Condition[] = [
  ({ taken_at }, { date_from }) => date_from == null || taken_at.slice(0, 10) >= date_from,
  ({ taken_at }, { date_to }) => date_to == null || taken_at.slice(0, 10) <= date_to,
  (photo, { file_type }) => FILE_TYPES[file_type ?? "any"](photo),
  (photo, { keep_type }) => KEEP_TYPES[keep_type ?? "any"](photo),
  ({ shape }, { orientation }) => (orientation ?? "any") === "any" || shape === orientation,
  (photo, { tags }) => (tags ?? []).every((tag) => photo.tags.includes(tag)),
  ({ filename }, { text }) => text == null || filename.toLowerCase().includes(text.toLowerCase()),
  hasStatus,
  (photo, { pending_deletion }) => pending_deletion == null || isPendingDeletion(photo) === pending_deletion,
];

const FILE_TYPES: Readonly<Record<NonNullable<PhotoFilter["file_type"]>, (photo: Photo) => boolean>> = {
  any: () => true,
  jpg_only: (photo) => photo.jpg_available && !photo.raw_available,
  raw_only: (photo) => photo.raw_available && !photo.jpg_available,
  both: (photo) => photo.jpg_available && photo.raw_available,
};

const KEEP_TYPES: Readonly<Record<NonNullable<PhotoFilter["keep_type"]>, (photo: Photo) => boolean>> = {
  any: () => true,
  any_kept: (photo) => photo.keep_jpg || photo.keep_raw || photo.keep_other,
  jpg_only: (photo) => photo.keep_jpg && !photo.keep_raw,
  raw_jpg: (photo) => photo.keep_jpg && photo.keep_raw,
  none: (photo) => !(photo.keep_jpg || photo.keep_raw || photo.keep_other),
};

/** `generated` means both derivatives; any other, either of them. */
function hasStatus(photo: Photo, { status }: PhotoFilter): boolean {
  if (status == null) return true;
  const statuses = [photo.thumbnail_status, photo.preview_status];
  return status === "generated" ? statuses.every((one) => one === status) : statuses.includes(status);
}
