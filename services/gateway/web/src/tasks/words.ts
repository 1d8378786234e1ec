import type { ItemStatus, JobStatus, Task, TaskStatus } from "../api/tasks";

export const STATUS_WORDS: Readonly<Record<TaskStatus, string>> = {
  requested: "About to start",
  running: "Running",
  waiting: "Waits for an answer",
  completed: "Done",
  completed_with_errors: "Done, with failures",
  failed: "Failed",
  canceled: "Canceled",
};

export const JOB_STATUS_WORDS: Readonly<Record<JobStatus, string>> = {
  queued: "In the queue",
  running: "Running",
  retrying: "Will be tried again",
  waiting: "Waits for an answer",
  completed: "Done",
  failed: "Failed",
  canceled: "Canceled",
};

export const ITEM_STATUS_WORDS: Readonly<Record<ItemStatus, string>> = {
  pending: "To do",
  done: "Done",
  failed: "Failed",
  skipped: "Nothing to do",
  canceled: "Canceled",
};

export const LANE_WORDS = { priority: "Priority lane", normal: "Normal lane" } as const;

const STEPS: Readonly<Record<string, string>> = {
  upload_postprocess: "Make thumbnails and previews",
  generate_derivatives: "Make thumbnails and previews",
  regenerate_metadata: "Read what the files say",
  catalogue_update: "Change the catalogue",
  manifest_check: "Look for files that are gone",
  folder_check: "Look for new and changed files",
  manifest_cleaning: "Take photos without files out of the catalogue",
  trash_maintenance: "Empty what has expired from the trash",
  orphaned_project_cleanup: "Look for projects whose folders are gone",
  duplicate_resolution: "Rename files whose names are taken",
  folder_alignment: "Name folders as their projects",
  folder_discovery: "Look for new folders",
  project_scavenge: "Clean up what deletions left",
  cache_validation: "Look for thumbnails and previews that are gone",
  integrity_check: "Read all originals and compare their checksums",
  file_removal: "Move files to the trash",
  image_move_files: "Move files",
  undo_files: "Bring files back",
  project_stop_processes: "Stop what works on the project",
  project_delete_files: "Move the folder to the trash",
  project_cleanup_db: "Take the photos out of the catalogue",
  project_restore: "Bring the project back",
};

/** What a step or job of this type does. */
export function stepWords(type: string): string {
  return Object.hasOwn(STEPS, type) ? (STEPS[type] ?? spoken(type)) : spoken(type);
}

/** A stable word of the API as words of a sentence: `bit_rot`, `TaskStarted` → “Bit rot”, “Task started”. */
export function spoken(word: string): string {
  const apart = word
    .replaceAll("_", " ")
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .toLowerCase();
  return apart.charAt(0).toUpperCase() + apart.slice(1);
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString()} ${count === 1 ? one : many}`;
}

/** What a task works on. */
export function scopeWords(scope: Task["scope"], items: number): string {
  if (items > 0) return counted(items, "photo");
  if (scope === "global") return "The whole library";
  return scope === "project" ? "A project" : "Photos";
}

const SOURCES: Readonly<Record<Task["source"], string>> = {
  user: "asked for",
  upload: "after an upload",
  system: "by schedule",
  task: "by another task",
};

export function sourceWords(source: Task["source"]): string {
  return SOURCES[source];
}

/** An actor of the log, such as `schedule:folder_discovery`, as a person says it; tokens by their name where it is known. */
export function actorWords(actor: string, name: string | null): string {
  const [kind, rest = ""] = split(actor);
  if (kind === "token") return name ?? `Token ${rest.slice(0, 8)}`;
  if (kind === "schedule") return `Schedule: ${spoken(name ?? rest).toLowerCase()}`;
  if (kind === "service") return `Service: ${rest}`;
  return name ?? spoken(actor);
}

function split(actor: string): [string, string | undefined] {
  const colon = actor.indexOf(":");
  return colon < 0 ? [actor, undefined] : [actor.slice(0, colon), actor.slice(colon + 1)];
}
