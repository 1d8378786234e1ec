import type { Found } from "./gathering";
import { newItem } from "./item";
import { type Answers, NO_ANSWERS } from "./judging";
import type { Loaded } from "./sending";

/** Files that were dropped together: one batch, which becomes one task. */
export interface Drop {
  /** Also the batch's word. */
  readonly id: string;
  /** Whose it is: another session does not go on with it. */
  readonly actor: string;
  readonly projectId: number;
  readonly folder: string;
  readonly projectName: string;
  /** How many files the batch has. */
  readonly total: number;
  readonly answers: Answers;
  /** Dropped files and folders as the browser can find them again after a reload, where it can. */
  readonly roots: readonly FileSystemHandle[];
}

export interface Target {
  readonly id: number;
  readonly folder: string;
  readonly name: string;
}

export function newDrop(
  id: string,
  actor: string,
  project: Target,
  total: number,
  roots: readonly FileSystemHandle[],
): Drop {
  return {
    id,
    actor,
    projectId: project.id,
    folder: project.folder,
    projectName: project.name,
    total,
    answers: NO_ANSWERS,
    roots,
  };
}

/** The files of a drop, each with its bytes. */
export function loaded(drop: Drop, files: readonly Found[]): readonly Loaded[] {
  return files.map(({ path, name, file }, at) => {
    const about = { id: `${drop.id}/${at}`, drop: drop.id, projectId: drop.projectId, path, name };
    return { item: newItem({ ...about, size: file.size, modifiedAt: file.lastModified }), file };
  });
}
