import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { SCHEDULES_KEY, type Schedule, schedulesQuery, useChangeSchedule } from "../api/maintenance";
import { sentenceOf } from "../api/problems";
import { useCan } from "../api/session";
import { useRunNow } from "../api/tasks";
import { say } from "../app/toasts";
import { Button } from "../app/ui/Button";
import { useLive } from "../live/LiveProvider";
import { fullTime, intervalWords, whenWords } from "../tasks/times";
import { useGathered } from "../tasks/useGathered";
import { useDefinitions, useTasks } from "../tasks/useTasks";
import { counted, STATUS_WORDS, spoken } from "../tasks/words";
import { cronWords } from "./cron";
import { ScheduleDialog } from "./ScheduleDialog";
import styles from "./ScheduleList.module.css";

export function ScheduleList({ now }: { readonly now: number }) {
  const queries = useQueryClient();
  const { data = [], error } = useQuery(schedulesQuery);
  const mark = useGathered(() => void queries.invalidateQueries({ queryKey: SCHEDULES_KEY }));
  const [changing, setChanging] = useState<Schedule | null>(null);
  useLive((message) => {
    const started = message.name === "task_requested" && message.data.source === "system";
    if (started || ["schedule_changed", "tick_skipped", "reset"].includes(message.name)) mark();
  });
  return (
    <>
      {error !== null && <p role="alert">{sentenceOf(error)}</p>}
      <ul className={styles.schedules}>
        {data.map((schedule) => (
          <ScheduleRow key={schedule.name} schedule={schedule} now={now} onChange={() => setChanging(schedule)} />
        ))}
      </ul>
      {changing !== null && <ScheduleDialog schedule={changing} onClose={() => setChanging(null)} />}
    </>
  );
}

interface ScheduleRowProps {
  readonly schedule: Schedule;
  readonly now: number;
  readonly onChange: () => void;
}

function ScheduleRow({ schedule, now, onChange }: ScheduleRowProps) {
  const can = useCan();
  const title = useDefinitions().get(schedule.task_type)?.label ?? spoken(schedule.task_type);
  return (
    <li className={styles.schedule} aria-label={title}>
      <div className={styles.what}>
        <h3>{title}</h3>
        <p className={styles.timing}>
          {timingWords(schedule)}
          {schedule.next_run_at !== null && (
            <>
              {" · next "}
              <time dateTime={schedule.next_run_at} title={fullTime(schedule.next_run_at)}>
                {whenWords(schedule.next_run_at, now)}
              </time>
            </>
          )}
        </p>
        <LastRun schedule={schedule} now={now} />
      </div>
      {can("admin") && <Changes schedule={schedule} title={title} onChange={onChange} />}
    </li>
  );
}

function timingWords({ enabled, every_seconds: every, cron }: Schedule): string {
  const words = every === null ? cronWords(cron ?? "") : `Every ${intervalWords(every).replace(/^1 /, "")}`;
  return enabled ? words : `Off (${words.charAt(0).toLowerCase()}${words.slice(1)})`;
}

function LastRun({ schedule: { last_run: last, skipped }, now }: Pick<ScheduleRowProps, "schedule" | "now">) {
  const live = useTasks().tasks.get(last?.task_id ?? "");
  return (
    <p className={styles.last}>
      {last === null ? (
        "It has not run yet."
      ) : (
        <>
          Last run{" "}
          <Link to="/tasks/$taskId" params={{ taskId: last.task_id }}>
            {whenWords(last.at, now)}
          </Link>
          : {STATUS_WORDS[live?.status ?? last.status].toLowerCase()}
        </>
      )}
      {skipped.last !== null && (
        <>
          {" · Skipped "}
          {counted(skipped.count, "time")}, last {whenWords(skipped.last.at, now)}:{" "}
          {skipped.last.reason === "active" ? "the run before it had not ended" : "no service does this work"}
        </>
      )}
    </p>
  );
}

interface ChangesProps {
  readonly schedule: Schedule;
  readonly title: string;
  readonly onChange: () => void;
}

function Changes({ schedule, title, onChange }: ChangesProps) {
  const change = useChangeSchedule();
  const run = useRunNow();
  const failed = (error: Error) => say(sentenceOf(error), { tone: "failed" });
  const turn = () =>
    change.mutate({ name: schedule.name, change: { enabled: !schedule.enabled } }, { onError: failed });
  const start = () =>
    run.mutate(schedule.task_type, { onSuccess: () => say(`“${title}” is about to start.`), onError: failed });
  return (
    <div className={styles.changes}>
      <Button busy={run.isPending} onClick={start}>
        Run now
      </Button>
      <Button onClick={onChange}>Change</Button>
      <Button role="switch" aria-checked={schedule.enabled} aria-label={title} busy={change.isPending} onClick={turn}>
        {schedule.enabled ? "On" : "Off"}
      </Button>
    </div>
  );
}
