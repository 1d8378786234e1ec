import { expect, it } from "vitest";
import { durationWords, intervalWords, remainingWords, whenWords } from "./times";

it.each([
  [0, "a few seconds left"],
  [9.9, "a few seconds left"],
  [10, "less than a minute left"],
  [59, "less than a minute left"],
  [60, "about a minute left"],
  [89, "about a minute left"],
  [90, "about 2 minutes left"],
  [54 * 60, "about 54 minutes left"],
  [56 * 60, "about an hour left"],
  [100 * 60, "about 2 hours left"],
  [35 * 3600, "about 35 hours left"],
  [37 * 3600, "about 2 days left"],
])("says of %d seconds that are left: %s", (seconds, words) => {
  expect(remainingWords(seconds)).toBe(words);
});

it.each([
  [0.0014, "1 ms"],
  [0.85, "850 ms"],
  [59.99, "59.9 s"],
  [60, "1 min"],
  [185, "3 min 5 s"],
  [7800, "2 h 10 min"],
  [90_000, "1 d 1 h"],
])("says of %d seconds that something took: %s", (seconds, words) => {
  expect(durationWords(seconds)).toBe(words);
});

it.each([
  [1, "1 second"],
  [90, "90 seconds"],
  [600, "10 minutes"],
  [3600, "1 hour"],
  [172_800, "2 days"],
])("says of an interval of %d seconds: %s", (seconds, words) => {
  expect(intervalWords(seconds)).toBe(words);
});

const NOW = Date.parse("2026-03-01T12:00:00Z");
const after = (seconds: number) => new Date(NOW + seconds * 1000).toISOString();

it.each([
  [-20, "just now"],
  [3, "just now"],
  [20, "in a moment"],
  [-120, "2 minutes ago"],
  [120, "in 2 minutes"],
  [-7200, "2 hours ago"],
])("says when something %d seconds from now is: %s", (seconds, words) => {
  expect(whenWords(after(seconds), NOW)).toBe(words);
});

it("says the day of what is further off", () => {
  expect(whenWords("2025-12-24T12:00:00Z", NOW)).toMatch(/Dec/);
});
