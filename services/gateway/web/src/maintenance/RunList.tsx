import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useId, useState } from "react";
import { RUNS_KEY, type Run, runsQuery } from "../api/maintenance";
import { Button } from "../app/ui/Button";
import { More } from "../app/ui/More";
import { useLive } from "../live/LiveProvider";
import { StatusMark } from "../tasks/StatusMark";
import { taskOf } from "../tasks/tasks";
import { durationWords, fullTime, whenWords } from "../tasks/times";
import { useGathered } from "../tasks/useGathered";
import { useTasks } from "../tasks/useTasks";
import { counted, sourceWords, stepWords } from "../tasks/words";
import { RunLines } from "./RunLines";
import styles from "./RunList.module.css";

export function RunList({ now }: { readonly now: number }) {
  const queries = useQueryClient();
  const query = useInfiniteQuery(runsQuery);
  const runs = (query.data?.pages ?? []).flatMap((page) => page.items);
  const mark = useGathered(() => void queries.invalidateQueries({ queryKey: RUNS_KEY }));
  useLive((message) => {
    const about = taskOf(message);
    const known = about !== undefined && runs.some((run) => run.task_id === about);
    if (message.name === "reset" || message.name === "task_requested" || known) mark();
  });
  return (
    <div>
      <ul className={styles.runs} aria-label="Runs">
        {runs.map((run) => (
          <RunRow key={run.task_id} run={run} now={now} />
        ))}
      </ul>
      {query.isSuccess && runs.length === 0 && <p className={styles.quiet}>Nothing has run yet.</p>}
      <More query={query} of="runs" />
    </div>
  );
}

function RunRow({ run, now }: { readonly run: Run; readonly now: number }) {
  const [open, setOpen] = useState(false);
  const inside = useId();
  const live = useTasks().tasks.get(run.task_id);
  return (
    <li className={styles.run} aria-label={run.label}>
      <div className={styles.head}>
        <h3>
          <Link to="/tasks/$taskId" params={{ taskId: run.task_id }}>
            {run.label}
          </Link>
        </h3>
        <StatusMark status={live?.status ?? run.status} />
      </div>
      <p className={styles.quiet}>
        <time dateTime={run.created_at} title={fullTime(run.created_at)}>
          {whenWords(run.created_at, now)}
        </time>
        {run.duration_seconds !== null && `, took ${durationWords(run.duration_seconds)}`}
        {` · ${sourceWords(run.source)}`}
      </p>
      {run.error !== null && <p className={styles.error}>{run.error}</p>}
      <p className={styles.sums}>{sumsOf(run)}</p>
      <Button
        look="quiet"
        className={styles.more}
        aria-expanded={open}
        aria-controls={inside}
        onClick={() => setOpen(!open)}
      >
        {open ? "Less" : "What it did"}
      </Button>
      <div id={inside}>{open && <Inside run={run} />}</div>
    </li>
  );
}

function sumsOf(run: Run): string {
  const looked = run.steps.reduce((most, step) => Math.max(most, step.looked_at), 0);
  const words = [
    run.changed > 0 && `${counted(run.changed, "thing")} changed`,
    run.refused > 0 && `${run.refused.toLocaleString()} left alone`,
    run.reported > 0 && `${run.reported.toLocaleString()} to know`,
  ].filter((word) => word !== false);
  return `${counted(looked, "thing")} looked at · ${words.length === 0 ? "nothing to change" : words.join(" · ")}`;
}

function Inside({ run }: { readonly run: Run }) {
  return (
    <div className={styles.inside}>
      <div className={styles.scrolled}>
        <table className={styles.steps}>
          <thead>
            <tr>
              <th scope="col">Step</th>
              <th scope="col">Looked at</th>
              <th scope="col">Changed</th>
              <th scope="col">Left alone</th>
              <th scope="col">To know</th>
            </tr>
          </thead>
          <tbody>
            {run.steps.map((step) => (
              <tr key={step.step}>
                <th scope="row">{stepWords(step.job_type)}</th>
                {[step.looked_at, step.changed, step.refused, step.reported].map((count, n) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: the columns are always the same
                  <td key={n}>{count.toLocaleString()}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <RunLines taskId={run.task_id} />
    </div>
  );
}
