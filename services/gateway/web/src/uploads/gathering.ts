import { inOrder, isLeftOut } from "./order";

/** A file that was dropped or chosen; `path` is where it lies in that. */
export interface Found {
  readonly path: string;
  readonly name: string;
  readonly file: File;
}

/** What was dropped or chosen. */
export interface Gathered {
  readonly files: readonly Found[];
  /** What the browser can find again after a reload, where it can at all. */
  readonly roots: readonly FileSystemHandle[];
}

type WithHandles = DataTransferItem & { getAsFileSystemHandle?: () => Promise<FileSystemHandle | null> };

/** The files of an `<input type="file">`, of a folder or not. */
export function gatherChosen(chosen: readonly File[]): Gathered {
  const files = chosen.map((file) => found(file.webkitRelativePath || file.name, file));
  return gathered(files, []);
}

/** The files of a drop, those in folders too. To be called within the event: the browser forgets the drop after it. */
export async function gatherDropped(items: DataTransferItemList): Promise<Gathered> {
  const asked = [...items].filter(({ kind }) => kind === "file").map(rootOf);
  const roots: FileSystemHandle[] = [];
  const files: Found[] = [];
  for (const root of await Promise.all(asked)) {
    if (root === null) continue;
    if (isHandle(root)) roots.push(root);
    for await (const file of walk(root)) files.push(file);
  }
  return gathered(files, roots);
}

/** The files below what was dropped before a reload, as far as the user lets them be read again. */
export async function gatherAgain(roots: readonly FileSystemHandle[]): Promise<Gathered> {
  const files: Found[] = [];
  const allowed: FileSystemHandle[] = [];
  for (const root of roots) {
    if (!(await mayRead(root))) continue;
    allowed.push(root);
    for await (const file of walkHandle(root, "")) files.push(file);
  }
  return gathered(files, allowed);
}

type Root = FileSystemHandle | FileSystemEntry | File;

function rootOf(item: WithHandles): Promise<Root | null> {
  const entry = item.webkitGetAsEntry();
  const file = item.getAsFile();
  const handle = item.getAsFileSystemHandle?.().catch(() => null) ?? Promise.resolve(null);
  return handle.then((root) => root ?? entry ?? file);
}

function walk(root: Root): AsyncIterable<Found> {
  if (root instanceof File) return one(root);
  if (isHandle(root)) return walkHandle(root, "");
  return walkEntry(root);
}

async function* one(file: File): AsyncIterable<Found> {
  yield found(file.name, file);
}

function isHandle(root: Root): root is FileSystemHandle {
  return !(root instanceof File) && "kind" in root;
}

async function* walkHandle(handle: FileSystemHandle, folder: string): AsyncIterable<Found> {
  const path = `${folder}${handle.name}`;
  if (isLeftOut(path)) return;
  if (isFile(handle)) {
    const file = await handle.getFile().catch(() => null);
    if (file !== null) yield found(path, file);
  } else if (isFolder(handle)) {
    for await (const inside of handle.values()) yield* walkHandle(inside, `${path}/`);
  }
}

type Folder = FileSystemDirectoryHandle & { values(): AsyncIterable<FileSystemHandle> };

function isFile(handle: FileSystemHandle): handle is FileSystemFileHandle {
  return handle.kind === "file";
}

function isFolder(handle: FileSystemHandle): handle is Folder {
  return handle.kind === "directory";
}

async function* walkEntry(entry: FileSystemEntry): AsyncIterable<Found> {
  const path = entry.fullPath.replace(/^\//, "");
  if (isLeftOut(path)) return;
  if (isFileEntry(entry)) {
    const file = await new Promise<File | null>((resolve) => entry.file(resolve, () => resolve(null)));
    if (file !== null) yield found(path, file);
  } else if (isFolderEntry(entry)) {
    const reader = entry.createReader();
    for (let portion = await read(reader); portion.length > 0; portion = await read(reader)) {
      for (const inside of portion) yield* walkEntry(inside);
    }
  }
}

function isFileEntry(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

function isFolderEntry(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}

/** A reader gives a folder in portions of a hundred, and an empty one at its end. */
function read(reader: FileSystemDirectoryReader): Promise<readonly FileSystemEntry[]> {
  return new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
}

type Permitting = FileSystemHandle & { requestPermission?: (how: { mode: "read" }) => Promise<PermissionState> };

async function mayRead(root: Permitting): Promise<boolean> {
  if (root.requestPermission === undefined) return true;
  return (await root.requestPermission({ mode: "read" }).catch(() => "denied")) === "granted";
}

function found(path: string, file: File): Found {
  return { path, name: file.name, file };
}

function gathered(all: readonly Found[], roots: readonly FileSystemHandle[]): Gathered {
  return { files: inOrder(all.filter(({ path }) => !isLeftOut(path))), roots };
}
