/** What a key does in the viewer. */
export type Command =
  | "close"
  | "next"
  | "previous"
  | "nearer"
  | "farther"
  | "fit"
  | "full"
  | "keep all"
  | "remove all"
  | "jpg"
  | "raw"
  | "other"
  | "pan left"
  | "pan right"
  | "pan up"
  | "pan down"
  | "tags"
  | "info"
  | "history"
  | "download"
  | "help";

const COMMANDS: Readonly<Record<string, Command>> = {
  Escape: "close",
  ArrowRight: "next",
  ArrowLeft: "previous",
  "Shift+ArrowLeft": "pan left",
  "Shift+ArrowRight": "pan right",
  "Shift+ArrowUp": "pan up",
  "Shift+ArrowDown": "pan down",
  "+": "nearer",
  "=": "nearer",
  "-": "farther",
  "0": "fit",
  z: "full",
  k: "keep all",
  x: "remove all",
  "1": "jpg",
  "2": "raw",
  "3": "other",
  t: "tags",
  i: "info",
  h: "history",
  d: "download",
  "?": "help",
};

interface Key {
  readonly key: string;
  readonly shiftKey: boolean;
  readonly ctrlKey: boolean;
  readonly altKey: boolean;
  readonly metaKey: boolean;
}

/** The command of a key; null where it has none, or is one of the browser's own with Ctrl, Alt or the like. */
export function commandOf({ key, shiftKey, ctrlKey, altKey, metaKey }: Key): Command | null {
  if (ctrlKey || altKey || metaKey) return null;
  const name = key.length === 1 ? key.toLowerCase() : `${shiftKey ? "Shift+" : ""}${key}`;
  return Object.hasOwn(COMMANDS, name) ? (COMMANDS[name] ?? null) : null;
}

/** The keys and what they do, for the help. Those who may not change anything have no use for `changes`. */
export const HELP: readonly { readonly keys: readonly string[]; readonly does: string; readonly changes?: true }[] = [
  { keys: ["←", "→"], does: "Previous photo, next photo" },
  { keys: ["K"], does: "Keep all files", changes: true },
  { keys: ["X"], does: "Mark all files for removal", changes: true },
  { keys: ["1"], does: "Keep the JPEG, or mark it for removal", changes: true },
  { keys: ["2"], does: "Keep the RAW, or mark it for removal", changes: true },
  { keys: ["3"], does: "Keep the other files, or mark them for removal", changes: true },
  { keys: ["T"], does: "Add a tag", changes: true },
  { keys: ["+", "−"], does: "Zoom in, zoom out" },
  { keys: ["0"], does: "See all of it" },
  { keys: ["Z"], does: "See it pixel by pixel, or all of it" },
  { keys: ["Shift", "arrows"], does: "Move a photo that is zoomed" },
  { keys: ["I"], does: "Show or hide what is known of it" },
  { keys: ["H"], does: "Its history" },
  { keys: ["D"], does: "Download the original" },
  { keys: ["Esc"], does: "Close" },
];
