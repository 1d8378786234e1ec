import type { Photo, Schemas } from "../api/types";
import type { Frame } from "./frames";

type TaskStatus = Schemas["TaskView"]["status"];
type Scope = Schemas["TaskView"]["scope"];
type Source = Schemas["TaskView"]["source"];

/** A photo as messages name it; `version` is how it stands after what the message tells. */
interface PhotoSpoken {
  readonly project_folder: string;
  readonly filename: string;
  readonly photo_id: number;
  readonly version: number;
  readonly updated_at: string;
}

type Told = "thumbnail_status" | "preview_status" | "keep_jpg" | "keep_raw" | "keep_other" | "tags";
type Read = "taken_at" | "taken_offset_minutes" | "width" | "height";

/**
 * What of a photo changed; what is left out stayed as it was. `reason` says why derivatives failed.
 *
 * `change` says what no field tells: that the photo was added or came back, or that its files are others.
 */
export interface ItemMessage extends PhotoSpoken, Partial<Pick<Photo, Told | Read>> {
  readonly reason?: string;
  readonly change?: "added" | "files" | "restored";
}

export interface ItemMovedMessage extends PhotoSpoken, Pick<Photo, "thumbnail_status" | "preview_status"> {}

interface TaskSpoken {
  readonly id: string;
  readonly type: string;
  readonly status: TaskStatus;
}

export interface TaskRequestedMessage extends TaskSpoken {
  readonly scope: Scope;
  readonly source: Source;
  readonly label: string;
  readonly retry_of: string | null;
  readonly undo_of: string | null;
}

export interface TaskStartedMessage extends TaskSpoken {
  readonly items: number;
  readonly steps: readonly { readonly type: string; readonly priority: number; readonly jobs: number }[];
}

export interface TaskCompletedMessage extends TaskSpoken {
  readonly done: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Why, in a stable word and in a sentence. */
interface Why {
  readonly code: string;
  readonly error: string;
}

/** A job; progress is null where the message does not know it, and stays as it was. */
export interface JobMessage extends Partial<Why> {
  readonly id: string;
  readonly task_id: string;
  readonly task_type: string;
  readonly job_type: string;
  readonly scope: Scope;
  readonly source: Source;
  readonly attempt: number;
  readonly status: Schemas["JobView"]["status"];
  readonly progress_done: number | null;
  readonly progress_total: number | null;
  readonly done?: number;
  readonly failed?: number;
  readonly skipped?: number;
  readonly confirmation_ids?: readonly string[];
}

export interface ProjectMessage {
  readonly project_id: number;
  readonly project_folder: string;
  readonly name: string;
}

export interface PendingChangesState {
  readonly jpg: number;
  readonly raw: number;
  readonly other: number;
  readonly total: number;
  readonly by_project: readonly Schemas["PendingOfProjectView"][];
}

interface ConfirmationSpoken {
  readonly id: string;
  readonly task_id: string;
  readonly task_type: string;
  readonly project_id: number | null;
  readonly project_folder: string | null;
  readonly status: Schemas["ConfirmationView"]["status"];
}

/** The messages by their names, as `services/gateway/photobus_gateway/sse_*.py` say them. */
export interface LiveMessages {
  connected: { readonly seq: number };
  reset: { readonly seq: number };
  pending_changes_state: PendingChangesState;
  task_requested: TaskRequestedMessage;
  task_started: TaskStartedMessage;
  task_cancel_requested: TaskSpoken & Partial<Why>;
  task_waiting: TaskSpoken & { readonly confirmation_ids: readonly string[] };
  task_completed: TaskCompletedMessage;
  task_failed: TaskSpoken & Why;
  task_canceled: TaskSpoken;
  job_update: JobMessage;
  job_started: JobMessage;
  job_completed: JobMessage;
  job_failed: JobMessage;
  item: ItemMessage;
  item_removed: PhotoSpoken;
  item_moved: ItemMovedMessage;
  project_created: ProjectMessage;
  project_discovered: ProjectMessage & { readonly version: number };
  project_renamed: ProjectMessage & { readonly old_name: string; readonly version: number };
  project_canceled: ProjectMessage & { readonly version: number };
  project_restored: ProjectMessage & { readonly version: number };
  project_removed: ProjectMessage;
  folder_renamed: {
    readonly project_id: number;
    readonly old_folder: string;
    readonly new_folder: string;
    readonly project_name: string;
    readonly version: number;
  };
  manifest_changed: {
    readonly project_folder: string;
    readonly changed: number;
    readonly created: number;
    readonly removed: number;
    readonly removed_filenames?: readonly string[];
  };
  confirmation_requested: ConfirmationSpoken & {
    readonly job_id: string;
    readonly job_type: string;
    readonly reason: string;
    readonly lacking: number;
    readonly photos: number;
  };
  confirmation_answered: ConfirmationSpoken & { readonly answered_by: string };
  confirmation_expired: ConfirmationSpoken & { readonly why: string };
  schedule_changed: {
    readonly name: string;
    readonly task_type: string;
    readonly every_seconds: number | null;
    readonly cron: string | null;
    readonly enabled: boolean;
    readonly deadline_seconds: number | null;
    readonly version: number;
  };
  tick_skipped: {
    readonly name: string;
    readonly task_type: string;
    readonly due: string;
    readonly reason: string;
    readonly active_task: string | null;
  };
}

export type LiveName = keyof LiveMessages;

/** A message with its name, to be told apart by `message.name`. */
export type LiveMessage = { [Name in LiveName]: { readonly name: Name; readonly data: LiveMessages[Name] } }[LiveName];

const NAMES: Readonly<Record<LiveName, true>> = {
  connected: true,
  reset: true,
  pending_changes_state: true,
  task_requested: true,
  task_started: true,
  task_cancel_requested: true,
  task_waiting: true,
  task_completed: true,
  task_failed: true,
  task_canceled: true,
  job_update: true,
  job_started: true,
  job_completed: true,
  job_failed: true,
  item: true,
  item_removed: true,
  item_moved: true,
  project_created: true,
  project_discovered: true,
  project_renamed: true,
  project_canceled: true,
  project_restored: true,
  project_removed: true,
  folder_renamed: true,
  manifest_changed: true,
  confirmation_requested: true,
  confirmation_answered: true,
  confirmation_expired: true,
  schedule_changed: true,
  tick_skipped: true,
};

/** What a frame says; null for one of a name that this client does not know, as a newer gateway may send. */
export function messageOf(frame: Frame): LiveMessage | null {
  if (!Object.hasOwn(NAMES, frame.event)) return null;
  // The gateway's own tests hold what it sends; to check each field here again would cost time on every message.
  return { name: frame.event, data: JSON.parse(frame.data) } as LiveMessage;
}
