import { describe, expect, it } from "vitest";
import type { Analysis, Clash, Result } from "./item";
import { answered, choicesFor, concluded, judged, NO_ANSWERS, resting } from "./judging";
import { item } from "./testing/item";

function said(given: Partial<Analysis>): Analysis {
  return { name: "one.jpg", accepted: true, clash: "none", completes_pair: false, ...given };
}

function told(given: Partial<Result>): Result {
  return { filename: "one.jpg", status: "created", ...given };
}

const HERE: Clash = { kind: "here", photoId: 3, projectFolder: null };
const ELSEWHERE: Clash = { kind: "elsewhere", photoId: 3, projectFolder: "Trip" };
const one = item("one.jpg");
const hashed = item("one.jpg", { md5: "00" });

describe("what is asked beforehand", () => {
  it("lets go what is free, and refuses what the server does not take", () => {
    expect(judged(one, said({}), NO_ANSWERS).state).toBe("ready");
    const refused = judged(one, said({ accepted: false, reason: "No." }), NO_ANSWERS);
    expect(refused).toMatchObject({ state: "refused", reason: "No." });
  });

  it("reads a file before it says whose bytes they are", () => {
    expect(judged(one, said({ clash: "unknown_bytes" }), NO_ANSWERS).state).toBe("hashing");
    expect(judged(one, said({ clash: "other_bytes" }), NO_ANSWERS).state).toBe("hashing");
    expect(judged(hashed, said({ clash: "other_bytes", photo_id: 3 }), NO_ANSWERS)).toMatchObject({
      state: "asking",
      clash: HERE,
    });
  });

  it("skips what is there, and knows what it has sent itself", () => {
    const same = said({ clash: "same_bytes", photo_id: 3 });
    expect(judged(one, same, NO_ANSWERS)).toMatchObject({ state: "skipped", photoId: 3 });
    expect(judged({ ...one, tried: true }, same, NO_ANSWERS)).toMatchObject({ state: "stored", photoId: 3, sent: 10 });
  });

  it("skips what an earlier upload has renamed", () => {
    const before = { photo_id: 4, stored_as: "one (2).jpg" };
    expect(judged(hashed, said({ clash: "other_bytes", renamed_before: before }), NO_ANSWERS)).toMatchObject({
      state: "skipped",
      storedAs: "one (2).jpg",
    });
  });

  it("answers what follows as it was answered for all", () => {
    const clash = said({ clash: "other_bytes", photo_id: 3 });
    expect(judged(hashed, clash, { here: "overwrite", elsewhere: null })).toMatchObject({
      state: "ready",
      choice: "overwrite",
    });
    expect(judged(hashed, clash, { here: null, elsewhere: "bring" }).state).toBe("asking");
  });

  it("does not store what was brought here, and asks again where that failed", () => {
    const brought = item("one.jpg", { choice: "bring" });
    const failed = said({ clash: "name_in_other_project", photo_id: 3, project_folder: "Trip" });
    expect(judged(brought, said({ clash: "other_bytes" }), NO_ANSWERS).state).toBe("moved");
    expect(judged(brought, said({ clash: "none", completes_pair: true }), NO_ANSWERS).state).toBe("ready");
    expect(judged(brought, failed, { here: null, elsewhere: "bring" })).toMatchObject({
      state: "asking",
      choice: null,
    });
  });
});

describe("an answer", () => {
  it("lets the server rename or overwrite in this project", () => {
    const asking = item("one.jpg", { state: "asking", clash: HERE });
    expect(answered(asking, "rename")).toMatchObject({ state: "ready", choice: "rename", name: "one.jpg" });
    expect(answered(asking, "skip").state).toBe("skipped");
  });

  it("looks for a free name where another project has it", () => {
    const asking = item("a/one.jpg", { state: "asking", clash: ELSEWHERE });
    const second = answered(asking, "rename");
    expect(second).toMatchObject({ state: "waiting", name: "one (2).jpg", number: 2 });
    const third = judged({ ...second, md5: "00" }, said({ clash: "other_bytes" }), NO_ANSWERS);
    expect(third).toMatchObject({ state: "waiting", name: "one (3).jpg" });
    expect(judged(third, said({}), NO_ANSWERS)).toMatchObject({ state: "ready", name: "one (3).jpg" });
  });

  it("offers to bring only what another project has, and to overwrite only what this one has", () => {
    expect(choicesFor(HERE)).not.toContain("bring");
    expect(choicesFor(ELSEWHERE)).not.toContain("overwrite");
  });
});

describe("the server's answer", () => {
  it.each(["created", "paired", "renamed", "overwritten"] as const)("%s is stored", (status) => {
    expect(concluded(one, told({ status, photo_id: 5 }), NO_ANSWERS)).toMatchObject({ state: "stored", photoId: 5 });
  });

  it("asks about a clash that came in between", () => {
    const clash = told({ status: "conflict", code: "name_in_other_project", photo_id: 3, project_folder: "Trip" });
    expect(concluded(one, clash, NO_ANSWERS)).toMatchObject({ state: "asking", clash: ELSEWHERE, tried: true });
  });

  it("tries again what passes, and leaves to the user what may be cured", () => {
    expect(concluded(one, told({ status: "refused", code: "being_moved" }), NO_ANSWERS).state).toBe("resting");
    expect(concluded(one, told({ status: "unfinished" }), NO_ANSWERS)).toMatchObject({ state: "resting", tried: true });
    expect(concluded(one, told({ status: "refused", code: "storage_full" }), NO_ANSWERS).state).toBe("failed");
    expect(concluded(one, told({ status: "refused", code: "content_differs" }), NO_ANSWERS).state).toBe("refused");
  });

  it("gives up in the end", () => {
    let tired = one;
    for (let n = 0; n < 20 && tired.state !== "failed"; n += 1) tired = resting(tired, "busy");
    expect(tired).toMatchObject({ state: "failed", reason: "busy" });
  });
});
