import { expect, it } from "vitest";
import { newKey, once, secondsBefore } from "./once";
import { ApiError } from "./problems";

const away = (retryAfterSeconds: number | null = null) =>
  new ApiError({ status: 503, code: "database_unavailable", detail: "", retryAfterSeconds });

async function sendFailing(errors: ApiError[]) {
  const keys: string[] = [];
  const pauses: number[] = [];
  const answer = once(
    async (header) => {
      keys.push(header["Idempotency-Key"]);
      const error = errors.shift();
      if (error) throw error;
      return "done";
    },
    async (seconds) => {
      pauses.push(seconds);
    },
  );
  return { keys, pauses, answer: await answer.catch((error: unknown) => error) };
}

it("asks again under the same key until there is an answer", async () => {
  const { keys, pauses, answer } = await sendFailing([away(), away(3)]);
  expect(answer).toBe("done");
  expect(keys).toHaveLength(3);
  expect(new Set(keys).size).toBe(1);
  expect(pauses).toEqual([1, 3]);
});

it("does not ask again for what was refused", async () => {
  const refused = new ApiError({ status: 409, code: "taken", detail: "" });
  const { keys, answer } = await sendFailing([refused]);
  expect(answer).toBe(refused);
  expect(keys).toHaveLength(1);
});

it("gives up after five tries", async () => {
  const { keys, answer } = await sendFailing([away(), away(), away(), away(), away(), away()]);
  expect(answer).toBeInstanceOf(ApiError);
  expect(keys).toHaveLength(5);
});

it("waits at most ten seconds, whatever is asked for", () => {
  expect([1, 2, 3, 4, 5].map((attempt) => secondsBefore(attempt, away()))).toEqual([1, 2, 4, 8, 10]);
  expect(secondsBefore(1, away(600))).toBe(10);
});

it("makes keys that differ", () => {
  expect(newKey()).toMatch(/^[0-9a-f]{32}$/);
  expect(newKey()).not.toBe(newKey());
});
