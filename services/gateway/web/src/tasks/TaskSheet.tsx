import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { X } from "lucide-react";
import { type ReactNode, useEffect, useId, useRef } from "react";
import { sentenceOf } from "../api/problems";
import { ENDED_STATUSES, taskListQuery } from "../api/tasks";
import { Button, IconButton } from "../app/ui/Button";
import { More } from "../app/ui/More";
import type { LiveTask } from "./liveTask";
import { taskRead } from "./liveTask";
import { TaskRow } from "./TaskRow";
import styles from "./TaskSheet.module.css";
import { endedTasks, openTasks } from "./tasks";
import { useDefinitions, useNow, useReadTasksAgain, useTasks } from "./useTasks";

interface TaskSheetProps {
  readonly id: string;
  readonly onClose: () => void;
}

/** The tasks beside what one looks at: those that run or wait, then those that have ended. */
export function TaskSheet({ id, onClose }: TaskSheetProps) {
  const sheet = useRef<HTMLElement>(null);
  const heading = useId();
  const { tasks, error } = useTasks();
  const again = useReadTasksAgain();
  const now = useNow(5);
  const definitions = useDefinitions();
  const open = openTasks(tasks);
  const wanted = open.filter((task) => definitions.get(task.type)?.user_relevant !== false);
  const upkeep = open.filter((task) => !wanted.includes(task));
  useEffect(() => sheet.current?.focus(), []);
  return (
    <aside
      ref={sheet}
      id={id}
      tabIndex={-1}
      className={styles.sheet}
      aria-labelledby={heading}
      onKeyDown={(event) => {
        if (event.key === "Escape") onClose();
      }}
    >
      <header className={styles.head}>
        <h2 id={heading}>Tasks</h2>
        <Link to="/tasks">All tasks</Link>
        <IconButton label="Close" onClick={onClose}>
          <X aria-hidden />
        </IconButton>
      </header>
      <div className={styles.body}>
        {error !== null && (
          <p role="alert" className={styles.error}>
            {sentenceOf(error)} <Button onClick={again}>Try again</Button>
          </p>
        )}
        <Part title="Under way" tasks={wanted} now={now} none="Nothing is under way." />
        {upkeep.length > 0 && <Part title="Upkeep" tasks={upkeep} now={now} />}
        <Ended now={now} />
      </div>
    </aside>
  );
}

interface PartProps {
  readonly title: string;
  readonly tasks: readonly LiveTask[];
  readonly now: number;
  readonly none?: string;
  readonly children?: ReactNode;
}

function Part({ title, tasks, now, none, children }: PartProps) {
  return (
    <section aria-label={title}>
      <h3 className={styles.title}>{title}</h3>
      {tasks.length === 0 && none && <p className={styles.none}>{none}</p>}
      <ul className={styles.tasks}>
        {tasks.map((task) => (
          <TaskRow key={task.id} task={task} now={now} />
        ))}
      </ul>
      {children}
    </section>
  );
}

/** Those that ended while one looks come first, then those that were read. */
function Ended({ now }: { readonly now: number }) {
  const definitions = useDefinitions();
  const types = [...definitions.values()].filter((one) => one.user_relevant).map((one) => one.type);
  const filter = { statuses: ENDED_STATUSES, types, asOf: null };
  const query = useInfiniteQuery({ ...taskListQuery(filter), enabled: types.length > 0, gcTime: 0 });
  const { tasks } = useTasks();
  const here = endedTasks(tasks).filter((task) => definitions.get(task.type)?.user_relevant);
  const read = (query.data?.pages ?? []).flatMap((page) => page.items).filter((task) => !tasks.has(task.id));
  const all = [...here, ...read.map((task) => taskRead(undefined, task, now))];
  return (
    <Part title="Ended" tasks={all} now={now} {...(query.isSuccess ? { none: "None yet." } : {})}>
      <More query={query} of="tasks" />
    </Part>
  );
}
