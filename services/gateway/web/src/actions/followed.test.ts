import { expect, it } from "vitest";
import { afterEnd, type Ending, endingOf, endingOfRead, endToldBy, followedOf } from "./followed";

const COMPLETED: Ending = { status: "completed", failed: 0, error: null };

it("ends when every task has, each counted once", () => {
  const begun = followedOf(["a", "b"]);
  const one = afterEnd(begun, "a", { status: "completed_with_errors", failed: 2, error: null });
  expect(afterEnd(one, "a", { ...COMPLETED, failed: 9 })).toBe(one);
  expect(afterEnd(one, "other", COMPLETED)).toBe(one);
  const both = afterEnd(one, "b", COMPLETED);
  expect([begun, one, both].map(({ open }) => open.size)).toEqual([2, 1, 0]);
  expect(endingOf(both)).toEqual({ status: "completed_with_errors", failed: 2, error: null });
});

it("says the worst that came of any of them", () => {
  const failed: Ending = { status: "failed", failed: 0, error: "The disk is full." };
  const ended = afterEnd(afterEnd(followedOf(["a", "b"]), "a", COMPLETED), "b", failed);
  expect(endingOf(ended)).toEqual(failed);
});

it("hears of ends from messages", () => {
  const completed = { id: "a", type: "undo", status: "completed", done: 3, failed: 1, skipped: 0 } as const;
  expect(endToldBy({ name: "task_completed", data: completed })?.ending.status).toBe("completed_with_errors");
  expect(endToldBy({ name: "task_canceled", data: { id: "a", type: "undo", status: "canceled" } })?.id).toBe("a");
  expect(endToldBy({ name: "reset", data: { seq: 1 } })).toBeNull();
});

it("takes a task that runs for no ended one", () => {
  expect(endingOfRead({ status: "running", failed: 1 })).toBeNull();
  expect(endingOfRead({ status: "failed", failed: 0, error: "Why" })).toEqual({
    status: "failed",
    failed: 0,
    error: "Why",
  });
});
