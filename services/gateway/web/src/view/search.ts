import type { PhotoFilter } from "../api/types";
import type { RawSearch } from "./address";

// What is usual (any file type, photos by the time they were taken) is not written, so that one view has one address.
export const FILE_TYPES = ["jpg_only", "raw_only", "both"] as const;
export const KEEP_TYPES = ["any_kept", "jpg_only", "raw_jpg", "none"] as const;
export const ORIENTATIONS = ["landscape", "portrait", "square"] as const;
export const STATUSES = ["pending", "generated", "failed", "missing", "not_supported"] as const;
export const OTHER_SORTS = ["filename", "size"] as const;
export const ORDERS = ["asc", "desc"] as const;

export type Sort = "taken_at" | (typeof OTHER_SORTS)[number];
export type Order = (typeof ORDERS)[number];

/**
 * What a view of photos has in its address; what is not there is as usual.
 *
 * The names and bounds of filters are those of the API. `photo` is the one that the viewer shows, `select` the selection
 * mode. The scope, all photos or a project, is the path's.
 */
export interface ViewSearch {
  readonly text?: string;
  readonly tags?: readonly string[];
  readonly date_from?: string;
  readonly date_to?: string;
  readonly file_type?: (typeof FILE_TYPES)[number];
  readonly keep_type?: (typeof KEEP_TYPES)[number];
  readonly orientation?: (typeof ORIENTATIONS)[number];
  readonly status?: (typeof STATUSES)[number];
  readonly pending_deletion?: boolean;
  readonly project_folders?: readonly string[];
  readonly sort?: (typeof OTHER_SORTS)[number];
  readonly order?: Order;
  readonly photo?: number;
  readonly select?: true;
}

const LONGEST_TEXT = 255;
const LONGEST_TAG = 100;
const MOST_TAGS = 50;
const MOST_FOLDERS = 2000;

/** Reads an address that anybody may have typed: what is wrong in it is as if it were not there. */
export function parseViewSearch(raw: RawSearch): ViewSearch {
  return present({
    text: textOf(raw.text, LONGEST_TEXT),
    tags: textsOf(raw.tags, LONGEST_TAG, MOST_TAGS),
    date_from: dateOf(raw.date_from),
    date_to: dateOf(raw.date_to),
    file_type: oneOf(FILE_TYPES, raw.file_type),
    keep_type: oneOf(KEEP_TYPES, raw.keep_type),
    orientation: oneOf(ORIENTATIONS, raw.orientation),
    status: oneOf(STATUSES, raw.status),
    pending_deletion: flagOf(raw.pending_deletion),
    project_folders: textsOf(raw.project_folders, LONGEST_TEXT, MOST_FOLDERS),
    sort: oneOf(OTHER_SORTS, raw.sort),
    order: oneOf(ORDERS, raw.order),
    photo: idOf(raw.photo),
    select: flagOf(raw.select) || undefined,
  });
}

/** The names of a search that filter, and nothing else. */
export const FILTERS = [
  "text",
  "tags",
  "date_from",
  "date_to",
  "file_type",
  "keep_type",
  "orientation",
  "status",
  "pending_deletion",
  "project_folders",
] as const satisfies readonly (keyof ViewSearch & keyof PhotoFilter)[];

type Maybe<T> = { [Name in keyof T]-?: T[Name] | undefined };

function present(given: Maybe<ViewSearch>): ViewSearch {
  const there = Object.entries(given).filter(([, value]) => value !== undefined);
  return Object.fromEntries(there); // the same names with the same values, less those that are undefined
}

function textOf(given: unknown, longest: number): string | undefined {
  const text = typeof given === "number" || typeof given === "boolean" ? String(given) : given;
  return typeof text === "string" && text !== "" && text.length <= longest && !text.includes("\0") ? text : undefined;
}

function textsOf(given: unknown, longest: number, most: number): readonly string[] | undefined {
  const texts = [given].flat().flatMap((one) => textOf(one, longest) ?? []);
  return texts.length > 0 ? [...new Set(texts)].slice(0, most) : undefined;
}

function dateOf(given: unknown): string | undefined {
  if (typeof given !== "string" || !/^\d{4}-\d\d-\d\d$/.test(given)) return undefined;
  const date = new Date(`${given}T00:00:00Z`);
  return Number.isNaN(date.getTime()) || !date.toISOString().startsWith(given) ? undefined : given;
}

function oneOf<Word extends string>(words: readonly Word[], given: unknown): Word | undefined {
  return words.find((word) => word === given);
}

function flagOf(given: unknown): boolean | undefined {
  if (given === true || given === "true") return true;
  return given === false || given === "false" ? false : undefined;
}

function idOf(given: unknown): number | undefined {
  const id = typeof given === "string" && /^\d{1,15}$/.test(given) ? Number(given) : given;
  return typeof id === "number" && Number.isSafeInteger(id) && id > 0 ? id : undefined;
}
