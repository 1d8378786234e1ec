import { expect, it } from "vitest";
import type { Project } from "../../api/types";
import { byName, namesLike } from "./projectNames";

const named = (...names: string[]): Project[] =>
  names.map((name, id) => ({
    id,
    name,
    folder: name,
    status: "active",
    photos: 0,
    version: 1,
    created_at: "",
    updated_at: "",
  }));

it("sorts as people do", () => {
  const sorted = named("Day 10", "day 2", "Ärger", "Zoo", "Day 2").toSorted(byName);
  expect(sorted.map((project) => project.name)).toEqual(["Ärger", "day 2", "Day 2", "Day 10", "Zoo"]);
});

it.each([
  ["", 3],
  [" ", 3],
  ["trip", 2],
  ["ÉTÉ", 1],
  ["ete", 1],
  ["winter", 0],
])("finds %j in names", (wanted, count) => {
  expect(namesLike(named("Trip 1", "Été trip", "Zoo"), wanted)).toHaveLength(count);
});
