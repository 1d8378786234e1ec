import { infiniteQueryOptions } from "@tanstack/react-query";
import { api, bodyOf } from "./client";
import { at, type JobItem, TASKS_KEY } from "./tasks";

/** Where the reading of a task's failed photos goes on: jobs that are still to be looked into, then the next jobs. */
interface Place {
  readonly jobs: readonly string[];
  readonly itemsCursor: string | null;
  /** Undefined once all jobs were listed. */
  readonly jobsCursor: string | null | undefined;
}

const ENOUGH = 50;
const JOBS_PAGE = 200;
const START: Place = { jobs: [], itemsCursor: null, jobsCursor: null };

/** The photos of a task that failed, job by job. */
export const failuresQuery = (taskId: string) =>
  infiniteQueryOptions({
    queryKey: [...TASKS_KEY, "failures", taskId],
    queryFn: async ({ pageParam, signal }) => {
      const items: JobItem[] = [];
      let place: Place | null = pageParam;
      while (place !== null && items.length < ENOUGH) {
        const step: { items: readonly JobItem[]; next: Place | null } = await readOn(taskId, place, signal);
        items.push(...step.items);
        place = step.next;
      }
      return { items, next: place };
    },
    initialPageParam: START,
    getNextPageParam: (page) => page.next,
  });

async function readOn(taskId: string, place: Place, signal: AbortSignal) {
  const [job, ...others] = place.jobs;
  if (job !== undefined) {
    const query = { status: "failed" as const, limit: ENOUGH, ...at(place.itemsCursor) };
    const { items } = await bodyOf(api.GET("/api/jobs/{job_id}", { params: { path: { job_id: job }, query }, signal }));
    const cursor = items.next_cursor;
    const next = cursor === null ? { ...place, jobs: others, itemsCursor: null } : { ...place, itemsCursor: cursor };
    return { items: items.items, next: unlessDone(next) };
  }
  const query = { task_id: taskId, limit: JOBS_PAGE, ...at(place.jobsCursor ?? null) };
  const page = await bodyOf(api.GET("/api/jobs", { params: { query }, signal }));
  const failed = page.items.filter((one) => one.failed > 0).map((one) => one.id);
  return {
    items: [],
    next: unlessDone({ jobs: failed, itemsCursor: null, jobsCursor: page.next_cursor ?? undefined }),
  };
}

function unlessDone(place: Place): Place | null {
  return place.jobs.length === 0 && place.jobsCursor === undefined ? null : place;
}
