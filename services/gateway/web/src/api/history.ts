import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, bodyOf } from "./client";
import type { operations } from "./schema";
import { at, FIRST, nextOf } from "./tasks";
import type { Schemas } from "./types";

/** An event with what it says in words. */
export type HistoryItem = Schemas["HistoryItem"];
/** An event as the log has it, whole. */
export type WholeEvent = Schemas["EventView"];
export type EventType = NonNullable<NonNullable<operations["list_audit"]["parameters"]["query"]>["type"]>[number];

const PAGE = 50;
const TASK_PAGE = 200;

export const eventQuery = (eventId: string) =>
  queryOptions({
    queryKey: ["events", "one", eventId],
    queryFn: ({ signal }) =>
      bodyOf(api.GET("/api/events/{event_id}", { params: { path: { event_id: eventId } }, signal })),
  });

/** A page of what happened in a task, by the place in the log. */
export function readTaskEvents(taskId: string, order: "asc" | "desc", cursor: string | null, signal: AbortSignal) {
  const params = { path: { task_id: taskId }, query: { order, limit: TASK_PAGE, ...at(cursor) } };
  return bodyOf(api.GET("/api/tasks/{task_id}/events", { params, signal }));
}

/** Which events the audit shows; times are ISO, or places in the log. */
export interface AuditFilter {
  readonly actor?: string;
  readonly type?: readonly EventType[];
  readonly from?: string;
  readonly to?: string;
}

export const auditQuery = (filter: AuditFilter) =>
  infiniteQueryOptions({
    queryKey: ["events", "audit", filter],
    queryFn: ({ pageParam, signal }) => {
      const { type, ...rest } = filter;
      const query = { ...rest, ...(type === undefined ? {} : { type: [...type] }), limit: PAGE, ...at(pageParam) };
      return bodyOf(api.GET("/api/audit", { params: { query }, signal }));
    },
    initialPageParam: FIRST,
    getNextPageParam: nextOf,
  });
