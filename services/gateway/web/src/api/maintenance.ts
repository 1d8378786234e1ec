import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf } from "./client";
import { once } from "./once";
import { at, FIRST, nextOf } from "./tasks";
import type { Schemas } from "./types";

export type Schedule = Schemas["ScheduleView"];
export type ScheduleChange = Schemas["ScheduleChange"];
export type Run = Schemas["RunView"];
export type RunLine = Schemas["LineView"];
export type LineKind = RunLine["kind"];
export type Confirmation = Schemas["ConfirmationView"];
export type MissedPhoto = Schemas["MissedPhotoView"];

const RUNS_PAGE = 20;
const LINES_PAGE = 50;
const PHOTOS_PAGE = 60;
const MOST_CONFIRMATIONS = 200;

export const SCHEDULES_KEY = ["schedules"] as const;
export const RUNS_KEY = ["runs"] as const;
export const CONFIRMATIONS_KEY = ["confirmations"] as const;

export const schedulesQuery = queryOptions({
  queryKey: SCHEDULES_KEY,
  queryFn: async ({ signal }): Promise<readonly Schedule[]> =>
    (await bodyOf(api.GET("/api/schedules", { signal }))).items,
});

export function useChangeSchedule() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ name, change }: { name: string; change: ScheduleChange }) =>
      bodyOf(api.PUT("/api/schedules/{name}", { params: { path: { name } }, body: change })),
    onSuccess: (changed) => {
      queries.setQueryData(schedulesQuery.queryKey, (known) =>
        known?.map((schedule) => (schedule.name === changed.name ? changed : schedule)),
      );
    },
  });
}

export const runsQuery = infiniteQueryOptions({
  queryKey: [...RUNS_KEY, "list"],
  queryFn: ({ pageParam, signal }) => {
    const query = { limit: RUNS_PAGE, ...at(pageParam) };
    return bodyOf(api.GET("/api/maintenance/runs", { params: { query }, signal }));
  },
  initialPageParam: FIRST,
  getNextPageParam: nextOf,
});

/** What a run has to report: all of it, or one kind. */
export const runLinesQuery = (taskId: string, kind: LineKind | null) =>
  infiniteQueryOptions({
    queryKey: [...RUNS_KEY, "lines", taskId, kind],
    queryFn: ({ pageParam, signal }) => {
      const query = { limit: LINES_PAGE, ...(kind === null ? {} : { kind: [kind] }), ...at(pageParam) };
      const params = { path: { task_id: taskId }, query };
      return bodyOf(api.GET("/api/maintenance/runs/{task_id}/lines", { params, signal }));
    },
    initialPageParam: FIRST,
    getNextPageParam: nextOf,
  });

/** What waits for an answer. */
export const openConfirmationsQuery = queryOptions({
  queryKey: [...CONFIRMATIONS_KEY, "open"],
  queryFn: async ({ signal }): Promise<readonly Confirmation[]> => {
    const query = { status: ["open" as const], limit: MOST_CONFIRMATIONS };
    return (await bodyOf(api.GET("/api/confirmations", { params: { query }, signal }))).items;
  },
});

/** The photos that a confirmation is about. */
export const missedPhotosQuery = (confirmationId: string) =>
  infiniteQueryOptions({
    queryKey: [...CONFIRMATIONS_KEY, "photos", confirmationId],
    queryFn: async ({ pageParam, signal }) => {
      const params = { path: { confirmation_id: confirmationId }, query: { limit: PHOTOS_PAGE, ...at(pageParam) } };
      return (await bodyOf(api.GET("/api/confirmations/{confirmation_id}", { params, signal }))).items;
    },
    initialPageParam: FIRST,
    getNextPageParam: nextOf,
  });

export type ConfirmationAnswer = Schemas["Answer"]["answer"];

export function useAnswer() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ id, answer }: { id: string; answer: ConfirmationAnswer }) =>
      once((header) =>
        bodyOf(
          api.POST("/api/confirmations/{confirmation_id}", {
            params: { path: { confirmation_id: id }, header },
            body: { answer },
          }),
        ),
      ),
    onSuccess: (answered) => {
      queries.setQueryData(openConfirmationsQuery.queryKey, (known) => known?.filter((one) => one.id !== answered.id));
    },
  });
}
