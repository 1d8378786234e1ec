import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf } from "./client";
import { once } from "./once";
import type { Schemas } from "./types";

export type Task = Schemas["TaskView"];
export type TaskDetail = Schemas["TaskDetail"];
export type TaskStatus = Task["status"];
export type StepView = Schemas["StepView"];
export type Job = Schemas["JobView"];
export type JobStatus = Job["status"];
export type JobItem = Schemas["ItemView"];
export type ItemStatus = JobItem["status"];
export type Definition = Schemas["TaskDefinitionView"];

export const OPEN_STATUSES = ["requested", "running", "waiting"] as const satisfies readonly TaskStatus[];
export const ENDED_STATUSES = [
  "completed",
  "completed_with_errors",
  "failed",
  "canceled",
] as const satisfies readonly TaskStatus[];

export const TASKS_KEY = ["tasks"] as const;

const PAGE = 50;
const OPEN_PAGE = 200;

/** What kinds of tasks there are, in words. It changes with a new version of the server alone. */
export const definitionsQuery = queryOptions({
  queryKey: [...TASKS_KEY, "definitions"],
  queryFn: ({ signal }) => bodyOf(api.GET("/api/tasks/definitions", { signal })),
});

/** The open tasks, newest first, at most the first 200 of them. */
export function readOpenTasks(signal: AbortSignal): Promise<Schemas["TaskList"]> {
  const query = { status: [...OPEN_STATUSES], limit: OPEN_PAGE };
  return bodyOf(api.GET("/api/tasks", { params: { query }, signal }));
}

export function readTask(taskId: string, signal: AbortSignal): Promise<TaskDetail> {
  return bodyOf(api.GET("/api/tasks/{task_id}", { params: { path: { task_id: taskId } }, signal }));
}

/** Which tasks a list has; `asOf` is a time, or a place in the log. */
export interface TaskListFilter {
  readonly statuses: readonly TaskStatus[];
  readonly types: readonly string[];
  readonly asOf: string | null;
}

export const taskListQuery = ({ statuses, types, asOf }: TaskListFilter) =>
  infiniteQueryOptions({
    queryKey: [...TASKS_KEY, "list", { statuses, types, asOf }],
    queryFn: ({ pageParam, signal }) => {
      const query = {
        status: [...statuses],
        type: [...types],
        limit: PAGE,
        ...(asOf === null ? {} : { as_of: asOf }),
        ...at(pageParam),
      };
      return bodyOf(api.GET("/api/tasks", { params: { query }, signal }));
    },
    initialPageParam: FIRST,
    getNextPageParam: nextOf,
  });

export const taskQuery = (taskId: string, asOf: string | null = null) =>
  queryOptions({
    queryKey: [...TASKS_KEY, "one", taskId, asOf],
    queryFn: ({ signal }) => {
      const params = { path: { task_id: taskId }, ...(asOf === null ? {} : { query: { as_of: asOf } }) };
      return bodyOf(api.GET("/api/tasks/{task_id}", { params, signal }));
    },
  });

/** The jobs of a task, newest first; all, or those with one of `statuses`. */
export const jobsQuery = (taskId: string, statuses: readonly JobStatus[] = []) =>
  infiniteQueryOptions({
    queryKey: [...TASKS_KEY, "jobs", taskId, statuses],
    queryFn: ({ pageParam, signal }) => {
      const query = { task_id: taskId, status: [...statuses], limit: PAGE, ...at(pageParam) };
      return bodyOf(api.GET("/api/jobs", { params: { query }, signal }));
    },
    initialPageParam: FIRST,
    getNextPageParam: nextOf,
  });

/** The photos of a job, in the order of the task. */
export const jobItemsQuery = (jobId: string, status: ItemStatus | null) =>
  infiniteQueryOptions({
    queryKey: [...TASKS_KEY, "items", jobId, status],
    queryFn: async ({ pageParam, signal }) => {
      const query = { limit: PAGE, ...(status === null ? {} : { status }), ...at(pageParam) };
      const params = { path: { job_id: jobId }, query };
      const { items, items_summary } = await bodyOf(api.GET("/api/jobs/{job_id}", { params, signal }));
      return { ...items, summary: items_summary };
    },
    initialPageParam: FIRST,
    getNextPageParam: nextOf,
  });

export function useCancelTask() {
  return useMutation({
    mutationFn: (taskId: string) =>
      bodyOf(api.POST("/api/tasks/{task_id}/cancel", { params: { path: { task_id: taskId } } })),
  });
}

/** Starts a new task over what failed of this one. */
export function useRetryTask() {
  return useMutation({
    mutationFn: (taskId: string) =>
      once((header) =>
        bodyOf(api.POST("/api/tasks/{task_id}/retry", { params: { path: { task_id: taskId }, header } })),
      ),
  });
}

/** Starts a task over the whole library, as its schedule would. */
export function useRunNow() {
  return useMutation({
    mutationFn: (type: string) =>
      once((header) => bodyOf(api.POST("/api/tasks", { params: { header }, body: { type, targets: { all: true } } }))),
  });
}

/** Has what was read of one task read anew where it is shown. */
export function useMarkTask(): (taskId: string) => void {
  const queries = useQueryClient();
  return (taskId) => {
    for (const part of ["one", "jobs"]) void queries.invalidateQueries({ queryKey: [...TASKS_KEY, part, taskId] });
  };
}

/** What lists begin with: no cursor. */
export const FIRST: string | null = null;

export function at(cursor: string | null): { cursor?: string } {
  return cursor === null ? {} : { cursor };
}

export function nextOf(page: { readonly next_cursor: string | null }): string | null {
  return page.next_cursor;
}
