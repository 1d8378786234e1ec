import type { StepView } from "../api/tasks";
import { Progress } from "../app/ui/Progress";
import type { LiveTask } from "./liveTask";
import styles from "./StepList.module.css";
import { counted, stepWords } from "./words";

interface StepListProps {
  readonly steps: readonly StepView[];
  /** The same task by its messages, which are ahead of what was read. */
  readonly task: LiveTask;
}

/** The steps of a task in their order, with how far each is. */
export function StepList({ steps, task }: StepListProps) {
  return (
    <ol className={styles.steps}>
      {steps.map((step, n) => {
        const { done, total } = task.steps[n] ?? { done: step.progress_done, total: step.progress_total };
        return (
          <li key={step.step}>
            <div className={styles.head}>
              <span>
                <span className={styles.number}>{n + 1}</span> {stepWords(step.type)}
              </span>
              <span className={styles.count}>{countOf(step, done, total)}</span>
            </div>
            <Progress
              label={stepWords(step.type)}
              done={step.jobs === null ? 0 : done}
              total={total || 1}
              tone={step.failed > 0 ? "failed" : "usual"}
            />
          </li>
        );
      })}
    </ol>
  );
}

function countOf(step: StepView, done: number, total: number): string {
  const failed = step.failed > 0 ? `, ${step.failed.toLocaleString()} failed` : "";
  if (step.jobs === null) return "Not begun";
  if (total === 0) return "Nothing to do";
  if (step.over === "items") return `${done.toLocaleString()} of ${counted(total, "photo")}${failed}`;
  const where = step.over === "library" ? "the whole library" : "whole projects";
  return `${done < total ? "Not done" : "Done"}, over ${where}${failed}`;
}
