import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { taskQuery, useMarkTask } from "../api/tasks";
import { useLive } from "../live/LiveProvider";
import { hasEnded, type LiveTask } from "./liveTask";
import { taskOf } from "./tasks";
import { useGathered } from "./useGathered";
import { useTasks } from "./useTasks";

/** All that the API tells of a task, read anew after what messages do not tell, and the task by its messages. */
export function useOneTask(taskId: string) {
  const query = useQuery(taskQuery(taskId));
  const live: LiveTask | undefined = useTasks().tasks.get(taskId);
  const markTask = useMarkTask();
  const mark = useGathered(() => markTask(taskId));
  useLive((message) => {
    const progress = message.name === "job_update" || message.name === "job_started";
    if (message.name === "reset" || (!progress && taskOf(message) === taskId)) mark();
  });
  // Messages are ahead of the rows that are read: what was read too early is read again.
  const behind =
    live !== undefined && hasEnded(live.status) && query.data !== undefined && !hasEnded(query.data.status);
  useEffect(() => {
    if (behind && query.dataUpdatedAt > 0) mark();
  }, [behind, query.dataUpdatedAt, mark]);
  return { query, live };
}
