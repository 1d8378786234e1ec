const EXTENSION = /\.([^./]{1,10})$/;
const SIDECARS: ReadonlySet<string> = new Set(["xmp"]);
const JPEGS: ReadonlySet<string> = new Set(["jpg", "jpeg"]);

/** JPEGs go before the RAW of the same photo, which may have to follow them to another name; sidecars come last. */
export function rankOf(name: string): number {
  const extension = extensionOf(name);
  if (JPEGS.has(extension)) return 0;
  return SIDECARS.has(extension) ? 2 : 1;
}

/** What files of one photo have in common: `DSC01` of `DSC01.JPG`, `DSC01.NEF` and `DSC01.NEF.xmp`. */
export function stemOf(name: string): string {
  const stem = name.replace(EXTENSION, "");
  return SIDECARS.has(extensionOf(name)) ? stem.replace(EXTENSION, "") : stem;
}

export function extensionOf(name: string): string {
  return EXTENSION.exec(name)?.[1]?.toLowerCase() ?? "";
}

/** The order in which files are looked at and sent: folder by folder, photo by photo, JPEG first. */
export function inOrder<File extends { readonly path: string; readonly name: string }>(
  files: readonly File[],
): readonly File[] {
  const keyed = files.map((file) => ({
    file,
    photo: `${file.path.slice(0, -file.name.length)}${stemOf(file.name)}`,
    rank: rankOf(file.name),
  }));
  keyed.sort((a, b) => compare(a.photo, b.photo) || a.rank - b.rank || compare(a.file.name, b.file.name));
  return keyed.map(({ file }) => file);
}

/** `one.jpg` as `one (2).jpg`: another name for it, by the server's own rule. */
export function numbered(name: string, number: number): string {
  const stem = stemOf(name);
  return `${stem} (${number})${name.slice(stem.length)}`;
}

const SYSTEM_FILES: ReadonlySet<string> = new Set(["thumbs.db", "desktop.ini", "ehthumbs.db", "icon\r"]);
const SYSTEM_FOLDERS: ReadonlySet<string> = new Set([
  "__macosx",
  "$recycle.bin",
  "system volume information",
  "@eadir",
]);

/** Whether something in a dropped folder is hidden or the system's own, and nothing that anybody means to upload. */
export function isLeftOut(path: string): boolean {
  const parts = path.toLowerCase().split("/").filter(Boolean);
  const name = parts.at(-1) ?? "";
  return parts.some((part) => part.startsWith(".") || SYSTEM_FOLDERS.has(part)) || SYSTEM_FILES.has(name);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
