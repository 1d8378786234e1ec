import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Questions } from "./questions";

describe("Questions", () => {
  let asked: Map<number, boolean>[];
  let answer: () => void;
  let questions: Questions;

  beforeEach(() => {
    vi.useFakeTimers();
    asked = [];
    questions = new Questions((about) => {
      asked.push(new Map(about));
      return new Promise((resolve) => {
        answer = resolve;
      });
    });
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  async function time(): Promise<void> {
    await vi.advanceTimersByTimeAsync(1000);
  }

  it("asks about photos together, once, and leaves out what is settled", async () => {
    questions.add(1, "ask");
    questions.add(2, "new");
    questions.add(2, "ask");
    questions.add(3, "nothing");
    questions.add(4, "ask");
    questions.drop(4);
    expect(asked).toEqual([]);
    await time();
    expect(asked).toEqual([
      new Map([
        [1, false],
        [2, true],
      ]),
    ]);
  });

  it("asks about what came meanwhile when the answer is there, and not before", async () => {
    questions.add(1, "ask");
    await time();
    questions.add(2, "ask");
    await time();
    expect(asked).toHaveLength(1);
    answer();
    await time();
    expect(asked[1]).toEqual(new Map([[2, false]]));
  });

  it("asks about so many at once, and gives up where far too much happens", async () => {
    for (let id = 0; id < 5000; id += 1) questions.add(id, "ask");
    expect(questions.overwhelmed).toBe(true);
    await time();
    expect(asked.map((about) => about.size)).toEqual([200]);
    questions.clear();
    expect(questions.overwhelmed).toBe(false);
    answer();
    await time();
    expect(asked).toHaveLength(1);
  });
});
