import { expect, it } from "vitest";
import { EVENT_TYPES, parseAuditSearch } from "./auditSearch";

it("reads every part of an address", () => {
  const raw = { actor: "token:1", type: ["TokenCreated", "TokenRevoked"], from: "4711", to: "2026-03-31T23:59:59Z" };
  expect(parseAuditSearch(raw)).toEqual({ ...raw, to: "2026-03-31T23:59:59.000Z" });
  expect(parseAuditSearch({ type: "TokenCreated" })).toEqual({ type: ["TokenCreated"] });
});

it.each([{ actor: "" }, { actor: "x".repeat(201) }, { type: "Nothing" }, { type: "toString" }, { from: "never" }, {}])(
  "takes %j for nothing",
  (raw) => {
    expect(parseAuditSearch(raw)).toEqual({});
  },
);

it("knows the kinds of events by their names", () => {
  expect(EVENT_TYPES).toContain("PhotosMoved");
  expect(EVENT_TYPES.length).toBeGreaterThan(30);
});
