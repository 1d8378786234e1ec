import { describe, expect, it } from "vitest";
import { afterReload } from "./item";
import { add, EMPTY_TALLY } from "./tally";
import { item } from "./testing/item";
import { Thumbnails } from "./thumbnails";
import { phaseOf } from "./view";

const CALM = { paused: false, trouble: null, pendingThumbnails: 0 };

function tallyOf(...states: readonly Parameters<typeof item>[1][]) {
  return states.reduce<typeof EMPTY_TALLY>((tally, given) => add(tally, item("1.jpg", given), 1), EMPTY_TALLY);
}

describe("phaseOf", () => {
  it.each([
    [[], "none"],
    [["waiting", "stored"], "checking"],
    [["sending", "asking"], "sending"],
    [["stored", "asking"], "asking"],
    [["waiting", "ready", "asking"], "asking"],
    [["checking", "asking"], "checking"],
    [["stored", "lost"], "lost"],
    [["stored", "failed", "skipped"], "done"],
  ] as const)("of %j is %s", (states, phase) => {
    expect(phaseOf(tallyOf(...states.map((state) => ({ state }))), CALM)).toBe(phase);
  });

  it("says what holds it up, but not where it waits for the user anyway", () => {
    const sending = tallyOf({ state: "ready" });
    expect(phaseOf(sending, { ...CALM, paused: true })).toBe("paused");
    expect(phaseOf(sending, { ...CALM, trouble: "offline" })).toBe("waiting");
    expect(phaseOf(tallyOf({ state: "asking" }), { ...CALM, trouble: "offline" })).toBe("asking");
    expect(phaseOf(tallyOf({ state: "stored" }), { ...CALM, pendingThumbnails: 1 })).toBe("thumbnails");
  });
});

it("counts thumbnails once, also those that were heard of before the upload was answered", () => {
  const thumbnails = new Thumbnails();
  thumbnails.hear(1, "generated");
  for (const photoId of [1, 2, 3, 1]) thumbnails.expect(photoId);
  expect(thumbnails).toMatchObject({ total: 3, made: 1, failed: 0 });
  thumbnails.hear(2, "failed");
  expect(thumbnails).toMatchObject({ made: 1, failed: 1 });
  thumbnails.hear(2, "generated");
  thumbnails.hear(9, "generated");
  expect(thumbnails).toMatchObject({ total: 3, made: 2, failed: 0 });
  expect(thumbnails.missing).toEqual([3]);
});

it("knows after a reload what was on its way, and leaves alone what is done", () => {
  expect(afterReload(item("1.jpg", { state: "sending", sent: 5 }))).toMatchObject({
    state: "lost",
    sent: 0,
    tried: true,
  });
  expect(afterReload(item("1.jpg", { state: "ready" }))).toMatchObject({ state: "lost", tried: false });
  expect(afterReload(item("1.jpg", { state: "moving" })).state).toBe("moved");
  expect(afterReload(item("1.jpg", { state: "stored" })).state).toBe("stored");
});
