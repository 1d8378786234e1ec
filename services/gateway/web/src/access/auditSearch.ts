import type { AuditFilter, EventType } from "../api/history";
import { asOfOf } from "../tasks/tasksSearch";

/** Reads an address that anybody may have typed: what is wrong in it is as if it were not there. */
export function parseAuditSearch(raw: Readonly<Record<string, unknown>>): AuditFilter {
  const actor = typeof raw.actor === "string" && raw.actor !== "" && raw.actor.length <= 200 ? raw.actor : undefined;
  const types = [raw.type].flat().filter(isEventType);
  const from = asOfOf(raw.from);
  const to = asOfOf(raw.to);
  return {
    ...(actor === undefined ? {} : { actor }),
    ...(types.length === 0 ? {} : { type: [...new Set(types)] }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  };
}

export function isEventType(given: unknown): given is EventType {
  return typeof given === "string" && Object.hasOwn(TYPES, given);
}

/** All kinds of events. The type has it that none is missing, and none is too many. */
const TYPES: Readonly<Record<EventType, true>> = {
  ConfirmationAnswered: true,
  ConfirmationExpired: true,
  ConfirmationRequested: true,
  DerivativesUpdated: true,
  FilesRenamed: true,
  FilesRestored: true,
  FilesTrashed: true,
  FindingsReported: true,
  FolderRenamed: true,
  JobAttemptFailed: true,
  JobCanceled: true,
  JobCompleted: true,
  JobFailed: true,
  JobHandedBack: true,
  JobLost: true,
  JobProgress: true,
  JobQueued: true,
  JobStarted: true,
  JobWaiting: true,
  KeepChanged: true,
  LibraryTrashEmptied: true,
  ManifestChanged: true,
  MetadataUpdated: true,
  PhotoFilesChanged: true,
  PhotosAdded: true,
  PhotosMoved: true,
  PhotosRecognized: true,
  PhotosRemoved: true,
  PhotosRestored: true,
  ProjectCanceled: true,
  ProjectCreated: true,
  ProjectDiscovered: true,
  ProjectRemoved: true,
  ProjectRenamed: true,
  ProjectRestored: true,
  ProjectReturned: true,
  ProjectTrashed: true,
  ScheduleChanged: true,
  StrayFilesTrashed: true,
  TagsChanged: true,
  TargetsResolved: true,
  TargetsUnresolvable: true,
  TaskCancelRequested: true,
  TaskCanceled: true,
  TaskCompleted: true,
  TaskFailed: true,
  TaskRequested: true,
  TaskStarted: true,
  TenantCreated: true,
  TickSkipped: true,
  TokenCreated: true,
  TokenRevoked: true,
  TrashEmptied: true,
};

export const EVENT_TYPES: readonly EventType[] = Object.keys(TYPES).filter(isEventType).sort();
