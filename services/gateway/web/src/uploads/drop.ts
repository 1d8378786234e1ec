import { type Answers, NO_ANSWERS } from "./judging";

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
