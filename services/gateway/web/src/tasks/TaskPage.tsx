import { Link, useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { ApiError } from "../api/problems";
import type { TaskDetail } from "../api/tasks";
import { Broken } from "../app/ErrorBoundary";
import { NotFound } from "../app/NotFound";
import { Page, Section } from "../app/ui/Page";
import { Failures } from "./Failures";
import { JobList } from "./JobList";
import { hasEnded, type LiveTask, taskRead } from "./liveTask";
import { StatusMark } from "./StatusMark";
import { StepList } from "./StepList";
import { TaskActions } from "./TaskActions";
import styles from "./TaskPage.module.css";
import { UnderWay } from "./TaskRow";
import { TimelineView } from "./TimelineView";
import { durationWords, fullTime, whenWords } from "./times";
import { useOneTask } from "./useOneTask";
import { useNow } from "./useTasks";
import { counted, scopeWords, sourceWords } from "./words";

/** One task (`/tasks/$taskId`): its steps, its photos, and what happened, as a timeline. */
export function TaskPage() {
  const { taskId = "" } = useParams({ strict: false });
  return <OneTask key={taskId} taskId={taskId} />;
}

function OneTask({ taskId }: { readonly taskId: string }) {
  const { query, live } = useOneTask(taskId);
  const now = useNow(1);
  if (query.error instanceof ApiError && [404, 422, 400].includes(query.error.status)) return <NotFound />;
  if (query.error !== null) return <Broken error={query.error} again={() => void query.refetch()} />;
  if (query.data === undefined) return null;
  return <Shown task={live ?? taskRead(undefined, query.data, now)} detail={query.data} now={now} />;
}

interface ShownProps {
  readonly task: LiveTask;
  readonly detail: TaskDetail;
  readonly now: number;
}

function Shown({ task, detail, now }: ShownProps) {
  return (
    <Page
      title={task.label}
      lead={
        <>
          <StatusMark status={task.status} canceling={task.canceling} /> · {scopeWords(task.scope, task.items)},{" "}
          {sourceWords(task.source)}
        </>
      }
      actions={<TaskActions task={task} look="plain" />}
    >
      <div className={styles.state}>
        {!hasEnded(task.status) && <UnderWay task={task} now={now} />}
        {task.error !== null && <p className={styles.error}>{task.error}</p>}
        {task.status === "waiting" && (
          <p>
            It waits for an answer to{" "}
            <Link to="/maintenance">{counted(Math.max(1, detail.confirmations.length), "question")}</Link>.
          </p>
        )}
        <Facts task={task} detail={detail} now={now} />
      </div>
      {task.failed > 0 && (
        <Section title="What failed">
          <Failures key={`${task.status} ${detail.failed}`} taskId={task.id} />
        </Section>
      )}
      <Section title="Steps">
        <StepList steps={detail.steps} task={task} />
      </Section>
      <Section title="Jobs" lead="Each step is cut into jobs, which workers take from their queues.">
        <JobList taskId={task.id} live={task} />
      </Section>
      <Section title="What happened" lead="Every event of this task in the log, and what led to it.">
        <TimelineView taskId={task.id} />
      </Section>
    </Page>
  );
}

function Facts({ task, detail, now }: ShownProps) {
  const end = task.endedAt ?? detail.ended_at ?? null;
  return (
    <dl className={styles.facts}>
      <Fact name="Asked for">
        <time dateTime={detail.created_at} title={fullTime(detail.created_at)}>
          {whenWords(detail.created_at, now)}
        </time>
      </Fact>
      {end !== null && (
        <Fact name="Took">{durationWords(Math.max(0, Date.parse(end) - Date.parse(detail.created_at)) / 1000)}</Fact>
      )}
      <Fact name="Done">{detail.done.toLocaleString()}</Fact>
      <Fact name="Failed">{task.failed.toLocaleString()}</Fact>
      <Fact name="Nothing to do">{detail.skipped.toLocaleString()}</Fact>
      {detail.retry_of != null && (
        <Fact name="Tries again">
          <Link to="/tasks/$taskId" params={{ taskId: detail.retry_of }}>
            An earlier task
          </Link>
        </Fact>
      )}
      {detail.undo_of != null && (
        <Fact name="Takes back">
          <Link to="/tasks/$taskId" params={{ taskId: detail.undo_of }}>
            An earlier task
          </Link>
        </Fact>
      )}
    </dl>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
