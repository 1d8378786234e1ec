import { describe, expect, it } from "vitest";
import type { HistoryItem } from "../api/history";
import { ticksOf, timelineOf } from "./timeline";

let seq = 0;

function event(id: string, type: string, second: number, cause: string | null, job: string | null = null): HistoryItem {
  seq += 1;
  return {
    seq,
    id,
    type,
    time: new Date(Date.UTC(2026, 2, 1) + second * 1000).toISOString(),
    actor: "token:1",
    actor_name: "phone",
    source: "/orchestrator",
    task_id: "t",
    task_type: "image_move",
    cause_id: cause,
    project: null,
    photos: [],
    photo_count: 0,
    summary: id,
    data: job === null ? {} : { job_id: job, job_type: "make" },
    whole: true,
  };
}

const HISTORY = [
  event("asked", "TaskRequested", 0, null),
  event("begun", "TaskStarted", 0, "asked"),
  event("queued a", "JobQueued", 0, "asked", "a"),
  event("queued b", "JobQueued", 0, "asked", "b"),
  event("started a", "JobStarted", 1, "queued a", "a"),
  event("made", "DerivativesUpdated", 2, "queued a"),
  event("done a", "JobCompleted", 5, "queued a", "a"),
  event("queued c", "JobQueued", 5, "done a", "c"),
  event("done b", "JobCompleted", 8, "queued b", "b"),
  event("over", "TaskCompleted", 10, "done b"),
];

describe("timelineOf", () => {
  const { marks, spans, lanes, lasted } = timelineOf(HISTORY);
  const of = (id: string) => marks.find((mark) => mark.item.id === id);

  it("gives jobs that are under way together lanes of their own, and a lane that is free to the next", () => {
    expect(of("asked")?.lane).toBe(0);
    expect(of("queued a")?.lane).toBe(1);
    expect(of("queued b")?.lane).toBe(2);
    expect(of("queued c")?.lane).toBe(1);
    expect(lanes).toBe(3);
  });

  it("draws what a job did in the lane of the job, and the end of the task in the task's", () => {
    expect(of("made")).toMatchObject({ lane: 1, kind: "photos" });
    expect(of("over")).toMatchObject({ lane: 0, kind: "task" });
  });

  it("leads from each effect to its cause, and nowhere from what was not read", () => {
    expect(of("made")?.cause).toBe(2);
    expect(of("queued c")?.cause).toBe(6);
    expect(of("asked")?.cause).toBeNull();
    expect(timelineOf(HISTORY.slice(5)).marks[0]?.cause).toBeNull();
  });

  it("tells the cause where the line of a job does not", () => {
    expect(of("made")?.leads).toBe(false);
    expect(of("done a")?.leads).toBe(false);
    expect(of("queued c")?.leads).toBe(true);
    expect(of("over")?.leads).toBe(true);
    expect(of("asked")?.leads).toBe(false);
  });

  it("draws the lanes of the jobs that are open on either side of an event", () => {
    expect(of("queued b")).toMatchObject({ above: [0, 1], below: [0, 1, 2] });
    expect(of("done a")).toMatchObject({ above: [0, 1, 2], below: [0, 2] });
    expect(of("asked")).toMatchObject({ above: [], below: [0] });
    expect(of("over")?.below).toEqual([]);
  });

  it("stands at its time", () => {
    expect(lasted).toBe(10);
    expect(of("done a")).toMatchObject({ along: 0.5, since: 5 });
    expect(spans[0]).toEqual({ job: "a", lane: 1, type: "make", queued: 0, started: 0.1, ended: 0.5 });
    expect(spans[2]).toMatchObject({ queued: 0.5, started: null, ended: null });
  });

  it("takes nothing, and a single event", () => {
    expect(timelineOf([])).toMatchObject({ marks: [], lasted: 0 });
    expect(timelineOf(HISTORY.slice(0, 1)).marks[0]).toMatchObject({ along: 0, since: 0 });
  });
});

it.each([
  [0, [0]],
  [0.05, [0, 0.01, 0.02, 0.03, 0.04, 0.05]],
  [1.3, [0, 0.5, 1]],
  [12.5, [0, 5, 10]],
  [70, [0, 15, 30, 45, 60]],
  [4000, [0, 1800, 3600]],
])("puts even times along %d seconds", (lasted, seconds) => {
  const ticks = ticksOf(lasted);
  expect(ticks.map((tick) => Number(tick.seconds.toFixed(4)))).toEqual(seconds);
  expect(ticks.every((tick) => tick.along >= 0 && tick.along <= 1.000001)).toBe(true);
});

it("needs no more than six ticks, however long it lasts", () => {
  for (let lasted = 0.001; lasted < 1e9; lasted *= 1.37) expect(ticksOf(lasted).length).toBeLessThanOrEqual(7);
});
