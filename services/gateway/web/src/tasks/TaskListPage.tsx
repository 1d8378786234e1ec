import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { taskListQuery } from "../api/tasks";
import { More } from "../app/ui/More";
import { Page } from "../app/ui/Page";
import { type LiveTask, taskRead } from "./liveTask";
import { TaskFilters } from "./TaskFilters";
import styles from "./TaskListPage.module.css";
import { TaskRow } from "./TaskRow";
import { endedTasks, openTasks, type Tasks } from "./tasks";
import { parseTasksSearch, type TasksSearch } from "./tasksSearch";
import { whenWords } from "./times";
import { useNow, useTasks } from "./useTasks";

/** All tasks (`/tasks`), also as they stood at another time. */
export function TaskListPage() {
  const raw = useSearch({ strict: false });
  const search = useMemo(() => parseTasksSearch(raw), [raw]);
  const navigate = useNavigate();
  const change = (next: TasksSearch) => void navigate({ to: "/tasks", search: { ...next }, replace: true });
  const asOf = search.as_of ?? null;
  const now = useNow(5);
  return (
    <Page
      title="Tasks"
      lead={
        asOf === null ? (
          "Everything that was asked for, by people, uploads and schedules."
        ) : (
          <AsOf asOf={asOf} now={now} />
        )
      }
    >
      <TaskFilters search={search} onChange={change} />
      <TaskList search={search} now={now} />
    </Page>
  );
}

function AsOf({ asOf, now }: { readonly asOf: string; readonly now: number }) {
  return <>As it was {/^\d+$/.test(asOf) ? `at place ${asOf} of the log` : whenWords(asOf, now)}, by the log alone.</>;
}

function TaskList({ search, now }: { readonly search: TasksSearch; readonly now: number }) {
  const { status, type, as_of: asOf = null } = search;
  const filter = { statuses: status ? [status] : [], types: type ? [type] : [], asOf };
  const query = useInfiniteQuery({ ...taskListQuery(filter), gcTime: 0 });
  const { tasks } = useTasks();
  const live = asOf === null ? tasks : NONE;
  const read = (query.data?.pages ?? []).flatMap((page) => page.items);
  const shown = withLive(
    read.map((task) => live.get(task.id) ?? taskRead(undefined, task, now)),
    live,
    search,
  );
  return (
    <div>
      <ul className={styles.tasks} aria-label="Tasks">
        {shown.map((task) => (
          <TaskRow key={task.id} task={task} now={now} />
        ))}
      </ul>
      {query.isSuccess && shown.length === 0 && <p className={styles.none}>There are none of that kind.</p>}
      <More query={query} of="tasks" />
    </div>
  );
}

const NONE: Tasks = new Map();

/** The tasks that were read, with those before them that were asked for since, and without those that no longer belong. */
function withLive(read: readonly LiveTask[], live: Tasks, { status, type }: TasksSearch): LiveTask[] {
  const known = new Set(read.map((task) => task.id));
  const since = [...openTasks(live), ...endedTasks(live)]
    .filter((task) => !known.has(task.id) && (read[0] === undefined || task.createdAt > read[0].createdAt))
    .sort((one, other) => (one.createdAt < other.createdAt ? 1 : -1));
  return [...since, ...read].filter(
    (task) => (status === undefined || task.status === status) && (type === undefined || task.type === type),
  );
}
