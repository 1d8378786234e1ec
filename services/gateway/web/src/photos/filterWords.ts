import type { Order } from "../view/search";
import { FILTERS, type Sort, type ViewSearch } from "../view/search";
import type { ViewChange } from "../view/useView";

/** The change of a view that takes all its filters away. */
export const NO_FILTERS: ViewChange = Object.fromEntries(FILTERS.map((name) => [name, undefined]));

export const FILE_TYPE_WORDS = { jpg_only: "JPEG only", raw_only: "RAW only", both: "RAW and JPEG" } as const;
export const KEEP_TYPE_WORDS = {
  any_kept: "Something is kept",
  jpg_only: "JPEG kept, RAW not",
  raw_jpg: "RAW and JPEG kept",
  none: "Nothing is kept",
} as const;
export const ORIENTATION_WORDS = { landscape: "Landscape", portrait: "Portrait", square: "Square" } as const;
export const STATUS_WORDS = {
  pending: "Thumbnails being made",
  generated: "Thumbnails made",
  failed: "Thumbnails failed",
  missing: "Files missing",
  not_supported: "No thumbnails possible",
} as const;
export const PENDING_WORDS = { true: "To be removed", false: "Nothing to be removed" } as const;

export const SORT_WORDS: Readonly<Record<Sort, string>> = { taken_at: "Date taken", filename: "Name", size: "Size" };
export const ORDER_WORDS: Readonly<Record<Sort, Readonly<Record<Order, string>>>> = {
  taken_at: { desc: "Newest first", asc: "Oldest first" },
  filename: { asc: "A to Z", desc: "Z to A" },
  size: { desc: "Largest first", asc: "Smallest first" },
};

/** A filter that is set: what it is called, and the change of the view that takes it away. */
export interface FilterChip {
  readonly key: string;
  readonly words: string;
  readonly without: ViewChange;
}

/** The filters of a view, one by one; `nameOf` tells the name of the project in a folder. */
export function chipsOf(search: ViewSearch, nameOf: (folder: string) => string): FilterChip[] {
  const { text, tags = [], date_from, date_to, file_type, keep_type, orientation, status } = search;
  const { pending_deletion, project_folders = [] } = search;
  const chips: (FilterChip | null)[] = [
    chip("text", text && `“${text}”`),
    ...tags.map((tag) => ({ key: `tag ${tag}`, words: `#${tag}`, without: { tags: lessOne(tags, tag) } })),
    chip("date_from", date_from && `From ${date_from}`),
    chip("date_to", date_to && `Until ${date_to}`),
    chip("file_type", file_type && FILE_TYPE_WORDS[file_type]),
    chip("keep_type", keep_type && KEEP_TYPE_WORDS[keep_type]),
    chip("orientation", orientation && ORIENTATION_WORDS[orientation]),
    chip("status", status && STATUS_WORDS[status]),
    chip("pending_deletion", pending_deletion === undefined ? undefined : PENDING_WORDS[`${pending_deletion}`]),
    ...project_folders.map((folder) => ({
      key: `project ${folder}`,
      words: nameOf(folder),
      without: { project_folders: lessOne(project_folders, folder) },
    })),
  ];
  return chips.filter((one) => one !== null);
}

function chip(name: keyof ViewSearch, words: string | undefined): FilterChip | null {
  return words ? { key: name, words, without: { [name]: undefined } } : null;
}

/** A list without one of its words; undefined where nothing is left. */
function lessOne(words: readonly string[], word: string): readonly string[] | undefined {
  const left = words.filter((one) => one !== word);
  return left.length > 0 ? left : undefined;
}
