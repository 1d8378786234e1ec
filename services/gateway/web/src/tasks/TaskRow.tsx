import { Link } from "@tanstack/react-router";
import { useId, useState } from "react";
import { Button } from "../app/ui/Button";
import { Progress } from "../app/ui/Progress";
import { Failures } from "./Failures";
import { hasEnded, type LiveTask } from "./liveTask";
import { currentStep, farOf, jobCounts, secondsLeft } from "./progress";
import { StatusMark } from "./StatusMark";
import { TaskActions } from "./TaskActions";
import styles from "./TaskRow.module.css";
import { remainingWords, whenWords } from "./times";
import { counted, scopeWords, sourceWords, stepWords } from "./words";

interface TaskRowProps {
  readonly task: LiveTask;
  readonly now: number;
}

/** One task: what it is, how far it is or how it ended, and what may be done about it. */
export function TaskRow({ task, now }: TaskRowProps) {
  const [why, setWhy] = useState(false);
  const failures = useId();
  const ended = hasEnded(task.status);
  return (
    <li className={styles.row}>
      <div className={styles.head}>
        <Link to="/tasks/$taskId" params={{ taskId: task.id }} className={styles.label}>
          {task.label}
        </Link>
        <StatusMark status={task.status} canceling={task.canceling} />
      </div>
      <p className={styles.about}>
        {[scopeWords(task.scope, task.items), sourceWords(task.source)].join(", ")} ·{" "}
        <time dateTime={task.endedAt ?? task.createdAt}>{whenWords(task.endedAt ?? task.createdAt, now)}</time>
      </p>
      {!ended && <UnderWay task={task} now={now} />}
      {task.error !== null && <p className={styles.error}>{task.error}</p>}
      {task.status === "waiting" && (
        <p className={styles.asks}>
          <Link to="/maintenance">{counted(Math.max(1, task.asks), "question")} to answer</Link>
        </p>
      )}
      <div className={styles.actions}>
        {task.failed > 0 && (
          <Button look="quiet" aria-expanded={why} aria-controls={failures} onClick={() => setWhy(!why)}>
            {counted(task.failed, "failure")}
          </Button>
        )}
        <TaskActions task={task} />
      </div>
      <div id={failures}>{why && <Failures taskId={task.id} />}</div>
    </li>
  );
}

/** The bar, and in words the step that is under way and what is left of it. */
export function UnderWay({ task, now }: TaskRowProps) {
  const far = farOf(task);
  const step = currentStep(task);
  const left = secondsLeft(task, now);
  const words = [
    far === null ? null : `${Math.floor((far.done / far.total) * 100)} %`,
    left === null ? null : remainingWords(left),
    queueWords(task),
  ];
  return (
    <div className={styles.progress}>
      <Progress label={`Progress of ${task.label}`} done={far?.done ?? null} total={far?.total ?? 0} />
      <p className={styles.about}>
        {words.filter(Boolean).join(" · ")}
        {step !== undefined && (
          <span className={styles.step}>
            {task.steps.length > 1 && `Step ${task.steps.indexOf(step) + 1} of ${task.steps.length}: `}
            {stepWords(step.type)}
            {step.over === "items" && `, ${step.done.toLocaleString()} of ${counted(step.total, "photo")}`}
          </span>
        )}
      </p>
    </div>
  );
}

function queueWords(task: LiveTask): string | null {
  const { running, queued, again } = jobCounts(task);
  if (again > 0) return "will be tried again";
  return running === 0 && queued > 0 ? "in the queue" : null;
}
