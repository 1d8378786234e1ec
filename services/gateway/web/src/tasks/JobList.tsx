import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type Job, type JobStatus, jobsQuery } from "../api/tasks";
import { SelectField } from "../app/ui/Field";
import { More } from "../app/ui/More";
import { JobItems } from "./JobItems";
import styles from "./JobList.module.css";
import type { LiveTask } from "./liveTask";
import { StatusMark } from "./StatusMark";
import { JOB_STATUS_WORDS, LANE_WORDS, stepWords } from "./words";

const STATUSES: readonly JobStatus[] = ["queued", "running", "retrying", "waiting", "completed", "failed", "canceled"];

interface JobListProps {
  readonly taskId: string;
  readonly live: LiveTask;
}

export function JobList({ taskId, live }: JobListProps) {
  const [status, setStatus] = useState<JobStatus | null>(null);
  const query = useInfiniteQuery({ ...jobsQuery(taskId, status === null ? [] : [status]), gcTime: 0 });
  const jobs = (query.data?.pages ?? []).flatMap((page) => page.items);
  return (
    <div className={styles.list}>
      <div className={styles.filter}>
        <SelectField
          label="Jobs that are"
          value={status ?? ""}
          onChange={(event) => setStatus(STATUSES.find((one) => one === event.target.value) ?? null)}
        >
          <option value="">any</option>
          {STATUSES.map((one) => (
            <option key={one} value={one}>
              {JOB_STATUS_WORDS[one].toLowerCase()}
            </option>
          ))}
        </SelectField>
      </div>
      <ul className={styles.jobs}>
        {jobs.map((job) => (
          <JobRow key={job.id} job={job} live={live} />
        ))}
      </ul>
      {query.isSuccess && jobs.length === 0 && <p className={styles.none}>There are none.</p>}
      <More query={query} of="jobs" />
    </div>
  );
}

function JobRow({ job, live }: { readonly job: Job; readonly live: LiveTask }) {
  const [open, setOpen] = useState(false);
  const now = live.jobs.get(job.id);
  const done = Math.max(now?.done ?? 0, job.progress_done);
  const total = now?.total ?? job.progress_total;
  const words = [
    LANE_WORDS[job.lane],
    total === null ? null : `${done.toLocaleString()} of ${total.toLocaleString()}`,
    job.failed > 0 ? `${job.failed.toLocaleString()} failed` : null,
    job.attempt > 1 ? `attempt ${job.attempt}` : null,
  ];
  return (
    <li className={styles.job}>
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          <span className={styles.name}>{stepWords(job.job_type)}</span>
          <span className={styles.about}>{words.filter((word) => word !== null).join(" · ")}</span>
          <StatusMark status={now?.status ?? job.status} />
        </summary>
        {job.error !== null && <p className={styles.error}>{job.error}</p>}
        {open && (job.items > 0 ? <JobItems jobId={job.id} /> : <p className={styles.none}>{overWords(job)}</p>)}
      </details>
    </li>
  );
}

function overWords(job: Job): string {
  const over = job.over === "library" ? "the whole library" : "whole projects";
  return `It works on ${over}, not on single photos.`;
}
