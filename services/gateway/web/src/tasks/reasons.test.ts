import { expect, it } from "vitest";
import type { JobItem } from "../api/tasks";
import { byReason, reasonWords } from "./reasons";
import { actorWords, scopeWords, spoken, stepWords } from "./words";

const item = (photo: number, reason: string | null): JobItem => ({
  position: photo,
  photo_id: photo,
  project_id: 1,
  project_folder: "Trip",
  filename: `photo${photo}`,
  status: "failed",
  reason,
  attempt: 1,
  at: null,
});

it("gathers photos by why they failed, the most frequent reason first", () => {
  const groups = byReason([item(1, "unreadable"), item(2, "The file ends early."), item(3, "The file ends early.")]);
  expect(groups.map(({ reason, items }) => [reason, items.map((one) => one.photo_id)])).toEqual([
    ["The file ends early.", [2, 3]],
    ["The file cannot be read", [1]],
  ]);
  expect(reasonWords(null)).toBe("No reason was given");
  expect(reasonWords("up_to_date")).toBe("Up to date");
});

it.each([
  ["bit_rot", "Bit rot"],
  ["TaskStarted", "Task started"],
])("says %s as %s", (word, words) => {
  expect(spoken(word)).toBe(words);
});

it("says what a step does, also one that it does not know", () => {
  expect(stepWords("file_removal")).toBe("Move files to the trash");
  expect(stepWords("colour_check")).toBe("Colour check");
  expect(stepWords("toString")).toBe("To string");
});

it("says what a task works on", () => {
  expect(scopeWords("photo_set", 1)).toBe("1 photo");
  expect(scopeWords("global", 0)).toBe("The whole library");
});

it.each([
  ["token:fb468e3f-c897", "phone", "phone"],
  ["token:fb468e3f-c897", null, "Token fb468e3f"],
  ["schedule:folder_discovery", null, "Schedule: folder discovery"],
  ["system", null, "System"],
])("says of the actor %s (%s): %s", (actor, name, words) => {
  expect(actorWords(actor, name)).toBe(words);
});
