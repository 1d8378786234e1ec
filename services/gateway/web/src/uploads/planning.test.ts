import { describe, expect, it } from "vitest";
import { match } from "./matching";
import { Meter, secondsLeft } from "./meter";
import { type Limits, nextPlan, nextToCheck, type Plan, spread } from "./planning";
import { Queue } from "./queue";
import { countOf, openOf } from "./tally";
import { item } from "./testing/item";

const LIMITS: Limits = { large: 1000, groupFiles: 3, groupBytes: 100, groups: 1, larges: 1 };
const FREE = { groups: 0, larges: 0 };

function queueOf(...items: readonly ReturnType<typeof item>[]): Queue {
  const queue = new Queue();
  for (const one of items) queue.put(one);
  return queue;
}

function names(plan: Plan | null): readonly string[] {
  if (plan === null) return [];
  return plan.kind === "large" ? [plan.item.name] : plan.items.map(({ name }) => name);
}

describe("nextPlan", () => {
  it("groups small files up to a number and a size", () => {
    const small = [1, 2, 3, 4].map((n) => item(`${n}.jpg`, { state: "ready" }));
    expect(names(nextPlan(queueOf(...small), FREE, LIMITS))).toEqual(["1.jpg", "2.jpg", "3.jpg"]);
    const heavy = [1, 2].map((n) => item(`${n}.jpg`, { state: "ready", size: 90 }));
    expect(names(nextPlan(queueOf(...heavy), FREE, LIMITS))).toEqual(["1.jpg"]);
  });

  it("sends a large file by itself, and small ones beside it", () => {
    const queue = queueOf(
      item("one.tif", { state: "ready", size: 5000 }),
      item("two.tif", { state: "ready", size: 5000 }),
      item("three.jpg", { state: "ready" }),
    );
    expect(nextPlan(queue, FREE, LIMITS)).toMatchObject({ kind: "large", item: { name: "one.tif" } });
    expect(names(nextPlan(queue, { groups: 0, larges: 1 }, LIMITS))).toEqual(["three.jpg"]);
    expect(nextPlan(queue, { groups: 1, larges: 1 }, LIMITS)).toBeNull();
  });

  it("holds a RAW back until its JPEG is settled, or goes before it in the same request", () => {
    const jpeg = item("DSC01.JPG", { state: "ready", size: 5000 });
    const raw = item("DSC01.NEF", { state: "ready" });
    const queue = queueOf(jpeg, raw);
    expect(nextPlan(queue, { groups: 0, larges: 1 }, LIMITS)).toBeNull();
    queue.put({ ...jpeg, state: "asking" });
    expect(nextPlan(queue, FREE, LIMITS)).toBeNull();
    queue.put({ ...jpeg, state: "ready", size: 10 });
    expect(names(nextPlan(queueOf({ ...jpeg, size: 10 }, raw), FREE, LIMITS))).toEqual(["DSC01.JPG", "DSC01.NEF"]);
    queue.put({ ...jpeg, state: "stored" });
    expect(names(nextPlan(queue, FREE, LIMITS))).toEqual(["DSC01.NEF"]);
  });

  it("does not hold back a RAW for a JPEG of another folder", () => {
    const queue = queueOf(item("a/1.JPG", { state: "asking" }), item("b/1.NEF", { state: "ready" }));
    expect(names(nextPlan(queue, FREE, LIMITS))).toEqual(["1.NEF"]);
  });
});

it("asks about one file of a name at a time, and about one drop", () => {
  const first = item("a/1.jpg");
  const queue = queueOf(first, item("b/1.jpg"), item("b/2.jpg"), item("3.jpg", { drop: "other" }));
  expect(nextToCheck(queue, 10).map(({ path }) => path)).toEqual(["a/1.jpg", "b/2.jpg"]);
  queue.put({ ...first, state: "ready" });
  expect(nextToCheck(queue, 10).map(({ path }) => path)).toEqual(["b/2.jpg"]);
  queue.put({ ...first, state: "stored" });
  expect(nextToCheck(queue, 10).map(({ path }) => path)).toEqual(["b/1.jpg", "b/2.jpg"]);
});

it("keeps the sums of what is to be sent and was sent", () => {
  const one = item("1.jpg", { size: 100 });
  const two = item("2.jpg", { size: 50 });
  const queue = queueOf(one, two);
  queue.put({ ...one, state: "sending", sent: 40 });
  expect(queue.tally("drop")).toMatchObject({ files: 2, bytes: 150, sent: 40 });
  queue.put({ ...two, state: "skipped" });
  expect(queue.tally("drop")).toMatchObject({ files: 2, bytes: 100, sent: 40 });
  queue.put({ ...one, state: "stored", sent: 100 });
  expect(openOf(queue.tally("drop"))).toBe(0);
  expect(countOf(queue.tally("drop"), "stored", "skipped")).toBe(2);
  queue.remove(two);
  expect(queue.tally("drop").files).toBe(1);
});

it("spreads the bytes of a request over its files in their order", () => {
  expect(spread(0, [10, 20])).toEqual([0, 0]);
  expect(spread(15, [10, 20])).toEqual([10, 5]);
  expect(spread(99, [10, 20])).toEqual([10, 20]);
});

it("knows the pace of the last seconds, and what is left by it", () => {
  const meter = new Meter();
  expect(meter.rate(0)).toBeNull();
  for (let second = 0; second <= 4; second += 1) meter.add(100, second * 1000);
  expect(meter.rate(5000)).toBe(100);
  expect(meter.rate(60_000)).toBeNull();
  expect(secondsLeft(1000, 400, 100)).toBe(6);
  expect(secondsLeft(1000, 400, null)).toBeNull();
});

it("finds files again by name, size and time, and takes no other for them", () => {
  const lost = [
    item("a/1.jpg", { state: "lost", size: 3, modifiedAt: 5 }),
    item("b/1.jpg", { state: "lost", size: 3, modifiedAt: 5 }),
  ];
  const file = (text: string, name: string, lastModified = 5) => new File([text], name, { lastModified });
  const again = [
    { path: "b/1.jpg", name: "1.jpg", file: file("abc", "1.jpg") },
    { path: "1.jpg", name: "1.jpg", file: file("abc", "1.jpg") },
    { path: "1.jpg", name: "1.jpg", file: file("abc", "1.jpg") },
    { path: "a/1.jpg", name: "1.jpg", file: file("abcd", "1.jpg") },
  ];
  const found = match(lost, again);
  expect(found.again.map(([one]) => one.path)).toEqual(["b/1.jpg", "a/1.jpg"]);
  expect(found.unknown).toEqual(again.slice(2));
});
