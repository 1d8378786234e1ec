import { expect, it } from "vitest";
import { photo } from "../photos/testing/photo";
import { availableKinds, isKept, keepOf, saidOf } from "./kinds";

it("knows the kinds that a photo has, and which of them are kept", () => {
  const pair = photo(1, { raw_available: true, keep_raw: false });
  expect(availableKinds(pair)).toEqual(["jpg", "raw"]);
  expect(availableKinds(pair).map((kind) => isKept(pair, kind))).toEqual([true, false]);
});

it("says what is to be kept of some kinds, and of no others", () => {
  expect(keepOf(["jpg", "raw"], false)).toEqual({ keep_jpg: false, keep_raw: false });
  expect(keepOf([], true)).toEqual({});
  expect(saidOf(["jpg", "raw"], true)).toBe("JPEG and RAW are kept.");
  expect(saidOf(["raw"], false)).toBe("RAW is marked for removal.");
  expect(saidOf(["other"], false)).toBe("Other files are marked for removal.");
});
