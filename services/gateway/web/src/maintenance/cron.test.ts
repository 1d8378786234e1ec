import { expect, it } from "vitest";
import { cronWords } from "./cron";

it.each([
  ["0 30 3 * * 0", "Every Sunday at 03:30 UTC"],
  ["0 0 3 * * *", "Every day at 03:00 UTC"],
  ["15 5 3 * * *", "Every day at 03:05:15 UTC"],
  ["0 0 3 * * 1-5", "From Monday to Friday at 03:00 UTC"],
  ["0 0 22 * * mon,wed,FRI", "Every Monday, Wednesday and Friday at 22:00 UTC"],
  ["0 0 3 1 * *", "On day 1 of each month at 03:00 UTC"],
  ["0 * * * * *", "Every minute"],
  ["0 */10 * * * *", "Every 10 minutes"],
  ["0 0 * * * *", "Every hour"],
  ["0 20 * * * *", "Every hour, 20 minutes past"],
  ["0 0 */6 * * *", "Every 6 hours"],
])("says of %s: %s", (expression, words) => {
  expect(cronWords(expression)).toBe(words);
});

it.each(["0 */7 * * * *", "0 0 3 1 * 1", "0 0 3 * 6 *", "* 0 3 * * *", "0 0 1,5 * * *", "0 0 3 * * mun", "0 0 3", ""])(
  "says no more of %j than it is",
  (expression) => {
    expect(cronWords(expression)).toBe(`By “${expression}”, in UTC`);
  },
);
