import { describe, expect, it } from "vitest";
import type { StepView, TaskDetail } from "../api/tasks";
import type { JobMessage, LiveMessage, LiveMessages } from "../live/messages";
import { type LiveTask, taskAfter, taskRead, taskRequested } from "./liveTask";
import { currentStep, farOf, farOfAll, jobCounts, secondsLeft } from "./progress";

const NOW = 1_000_000;

const step = (type: string, over: StepView["over"], done: number, total: number): StepView => ({
  step: 0,
  type,
  priority: 90,
  service: "derivatives",
  over,
  jobs: 2,
  jobs_by_status: {},
  done,
  failed: 0,
  skipped: 0,
  progress_done: done,
  progress_total: total,
  remaining_seconds: null,
});

const detail = (more: Partial<TaskDetail> = {}): TaskDetail => ({
  id: "t",
  type: "upload_postprocess",
  scope: "project",
  status: "running",
  source: "upload",
  label: "Process uploaded photos",
  actor: "token:1",
  items: 400,
  done: 0,
  failed: 0,
  skipped: 0,
  created_at: "2026-03-01T12:00:00Z",
  progress_done: 0,
  progress_total: 401,
  remaining_seconds: null,
  steps: [step("make", "items", 0, 400), step("check", "projects", 0, 1)],
  confirmations: [],
  ...more,
});

const job = (id: string, more: Partial<JobMessage> = {}): JobMessage => ({
  id,
  task_id: "t",
  task_type: "upload_postprocess",
  job_type: "make",
  scope: "project",
  source: "upload",
  attempt: 1,
  status: "running",
  progress_done: 0,
  progress_total: 200,
  ...more,
});

type Said = { [Name in keyof LiveMessages]: [Name, LiveMessages[Name]] }[keyof LiveMessages];

function told(task: LiveTask, ...said: Said[]): LiveTask {
  return said.reduce((known, [name, data], n) => taskAfter(known, { name, data } as LiveMessage, NOW + n * 1000), task);
}

const read = (more?: Partial<TaskDetail>) => taskRead(undefined, detail(more), NOW);
const completed = (id: string, more: Partial<JobMessage> = {}): Said => [
  "job_completed",
  job(id, { status: "completed", progress_done: 200, done: 200, failed: 0, skipped: 0, ...more }),
];

describe("a task", () => {
  it("begins with its request and is to be read once it has started", () => {
    const requested = taskRequested(
      {
        id: "t",
        type: "upload_postprocess",
        status: "requested",
        scope: "project",
        source: "upload",
        label: "Process uploaded photos",
        retry_of: null,
        undo_of: null,
      },
      NOW,
    );
    expect(requested).toMatchObject({ status: "requested", marked: false, items: 0 });
    expect(farOf(requested)).toBeNull();
    const started = told(requested, [
      "task_started",
      { id: "t", type: "x", status: "running", items: 400, steps: [{ type: "make", priority: 90, jobs: 2 }] },
    ]);
    expect(started).toMatchObject({ status: "running", items: 400, marked: true });
  });

  it("counts what its jobs tell, each step the same", () => {
    const half = told(read(), ["job_update", job("a", { status: "queued" })], ["job_started", job("a")]);
    expect(farOf(half)).toEqual({ done: 0, total: 2 });
    const more = told(half, ["job_update", job("a", { progress_done: 100 })]);
    expect(currentStep(more)).toMatchObject({ type: "make", done: 100, total: 400 });
    expect(farOf(more)).toEqual({ done: 0.25, total: 2 });
    const done = told(more, completed("a"), ["job_started", job("b")], completed("b"));
    expect(done.steps[0]?.done).toBe(400);
    expect(done.jobs.size).toBe(0);
    expect(currentStep(done)).toMatchObject({ type: "check" });
    expect(farOfAll([done, read()])).toEqual({ done: 0.5, total: 2 });
  });

  it("counts nothing twice that comes again, nor what the answer may have counted", () => {
    const begun = told(read({ steps: [step("make", "items", 150, 400)] }), completed("unknown"));
    expect(begun.steps[0]?.done).toBe(150);
    expect(begun.marked).toBe(true);
    const twice = told(
      begun,
      ["job_update", job("a", { progress_done: 50 })],
      ["job_update", job("a", { progress_done: 50 })],
    );
    expect(twice.steps[0]?.done).toBe(150);
    expect(told(twice, completed("a")).steps[0]?.done).toBe(300);
  });

  it("takes what the job of a whole project has looked at for a part of it", () => {
    const steps = [step("make", "items", 400, 400), step("check", "projects", 0, 1)];
    const looked = job("c", { job_type: "check", progress_done: 30, progress_total: 60 });
    const task = told(read({ steps }), ["job_started", { ...looked, progress_done: 0 }], ["job_update", looked]);
    expect(farOf(task)).toEqual({ done: 1.5, total: 2 });
    const over = told(task, completed("c", { job_type: "check", progress_done: 60, progress_total: 60 }));
    expect(farOf(over)).toEqual({ done: 2, total: 2 });
  });

  it("waits for answers and goes on", () => {
    const waiting = told(read(), [
      "task_waiting",
      { id: "t", type: "x", status: "waiting", confirmation_ids: ["1", "2"] },
    ]);
    expect(waiting).toMatchObject({ status: "waiting", asks: 2 });
    expect(told(waiting, ["job_started", job("a")])).toMatchObject({ status: "running" });
  });

  it("ends once, and is read a last time", () => {
    const failed: Said = ["task_failed", { id: "t", type: "x", status: "failed", code: "c", error: "It broke." }];
    const ended = told(read(), ["job_started", job("a")], failed);
    expect(ended).toMatchObject({ status: "failed", error: "It broke.", marked: true, canceling: false });
    expect(ended.jobs.size).toBe(0);
    expect(told(ended, ["job_started", job("a")])).toBe(ended);
  });

  it("does not go back to what an answer says that is behind the messages", () => {
    const ended = told(read(), [
      "task_completed",
      { id: "t", type: "x", status: "completed", done: 400, failed: 2, skipped: 0 },
    ]);
    const late = taskRead(ended, detail(), NOW);
    expect(late).toMatchObject({ status: "completed", failed: 2, marked: true });
    expect(taskRead(late, detail({ status: "completed", failed: 2 }), NOW)).toMatchObject({ marked: false });
  });

  it("tells how many of its jobs run and stand in the queue", () => {
    const task = told(
      read(),
      ["job_started", job("a")],
      ["job_update", job("b", { status: "queued" })],
      ["job_update", job("c", { status: "retrying", attempt: 2 })],
    );
    expect(jobCounts(task)).toEqual({ running: 1, queued: 1, again: 1 });
  });
});

describe("the time that is left", () => {
  it("is what the server told, less what has passed since", () => {
    const task = read({ steps: [{ ...step("make", "items", 100, 400), remaining_seconds: 60 }] });
    expect(secondsLeft(task, NOW + 20_000)).toBe(40);
    expect(secondsLeft(task, NOW + 90_000)).toBe(0);
  });

  it("is known by the pace of the step once that was watched for a while", () => {
    const task = told(read(), ["job_started", job("a")], ["job_update", job("a", { progress_done: 100 })]);
    expect(secondsLeft(task, NOW + 1000)).toBeNull();
    expect(secondsLeft(task, NOW + 10_000)).toBe(30);
  });

  it("is not known of what has not begun", () => {
    expect(secondsLeft(read(), NOW)).toBeNull();
    expect(secondsLeft(read({ status: "waiting" }), NOW)).toBeNull();
  });
});
