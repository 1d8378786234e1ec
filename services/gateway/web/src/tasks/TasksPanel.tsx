import { ListChecks } from "lucide-react";
import { lazy, Suspense, useRef, useState } from "react";
import { IconButton } from "../app/ui/Button";
import { farOfAll } from "./progress";
import styles from "./TasksPanel.module.css";
import { openTasks } from "./tasks";
import { useDefinitions, useKeepTasks, useTasks } from "./useTasks";

const TaskSheet = lazy(() => import("./TaskSheet").then((part) => ({ default: part.TaskSheet })));

const SHEET_ID = "tasks";

/** The button in the header that says how much runs, with the panel that it opens. */
export function TasksPanel() {
  useKeepTasks();
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const { tasks } = useTasks();
  const definitions = useDefinitions();
  const running = openTasks(tasks).filter((task) => definitions.get(task.type)?.user_relevant);
  const far = farOfAll(running);
  const part = far === null ? null : far.done / far.total;
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  return (
    <>
      <IconButton
        ref={button}
        label={labelOf(running.length, part)}
        className={styles.button}
        aria-expanded={open}
        aria-controls={open ? SHEET_ID : undefined}
        onClick={() => setOpen(!open)}
      >
        {running.length === 0 ? <ListChecks aria-hidden /> : <Ring part={part} count={running.length} />}
      </IconButton>
      {open && (
        <Suspense>
          <TaskSheet id={SHEET_ID} onClose={close} />
        </Suspense>
      )}
    </>
  );
}

function labelOf(running: number, part: number | null): string {
  if (running === 0) return "Tasks";
  const far = part === null ? "" : `, ${Math.floor(part * 100)} %`;
  return `Tasks: ${running} under way${far}`;
}

/** How many tasks are under way, in a ring that closes with them. */
function Ring({ part, count }: { readonly part: number | null; readonly count: number }) {
  return (
    <svg viewBox="0 0 24 24" className={styles.ring} aria-hidden="true">
      <circle className={styles.track} cx="12" cy="12" r="10" />
      <circle
        className={styles.done}
        cx="12"
        cy="12"
        r="10"
        pathLength="100"
        strokeDasharray={`${(part ?? 0) * 100} 100`}
      />
      <text x="12" y="12.5" dominantBaseline="central" textAnchor="middle">
        {count > 99 ? "99" : count}
      </text>
    </svg>
  );
}
