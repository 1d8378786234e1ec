import { expect, it } from "vitest";
import { fieldTime, parseTasksSearch } from "./tasksSearch";

it("reads every part of an address", () => {
  expect(parseTasksSearch({ status: "failed", type: "image_move", as_of: 4711 })).toEqual({
    status: "failed",
    type: "image_move",
    as_of: "4711",
  });
  expect(parseTasksSearch({ as_of: "2026-03-01T13:00:00+01:00" })).toEqual({ as_of: "2026-03-01T12:00:00.000Z" });
});

it.each([{ status: "lost" }, { status: ["failed"] }, { type: "A b" }, { as_of: "yesterday" }, { as_of: "-1x" }, {}])(
  "takes %j for nothing",
  (raw) => {
    expect(parseTasksSearch(raw)).toEqual({});
  },
);

it("gives a field the time that it gave", () => {
  const typed = "2026-03-01T12:34";
  expect(fieldTime(new Date(typed).toISOString())).toBe(typed);
  expect(fieldTime("4711")).toBe("");
  expect(fieldTime(undefined)).toBe("");
});
