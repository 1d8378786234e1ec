import { expect, it } from "vitest";
import { filterOf, isFiltered, listQueryOf, viewOf } from "./view";

it("is all photos, newest first, unless the address says otherwise", () => {
  const view = viewOf(null, {});
  expect(view).toMatchObject({ project_filter: null, sort: "taken_at", order: "desc", photo: null, selecting: false });
  expect(filterOf(view)).toEqual({});
  expect(listQueryOf(view)).toEqual({ sort: "taken_at", order: "desc" });
  expect(isFiltered(view)).toBe(false);
});

it("takes the usual order of each sort", () => {
  expect(viewOf(null, { sort: "filename" }).order).toBe("asc");
  expect(viewOf(null, { sort: "filename", order: "desc" }).order).toBe("desc");
});

it("filters by what the address says and by the project, not by what is open or selected", () => {
  const view = viewOf("Trip", { text: "sea", tags: ["a"], pending_deletion: false, photo: 3, select: true });
  const filter = { text: "sea", tags: ["a"], pending_deletion: false, project_folder: "Trip" };
  expect(filterOf(view)).toEqual(filter);
  expect(listQueryOf(view)).toEqual({ ...filter, sort: "taken_at", order: "desc" });
  expect(isFiltered(view)).toBe(true);
});

it("does not take the project alone for a filter", () => {
  expect(isFiltered(viewOf("Trip", { sort: "size", photo: 1 }))).toBe(false);
});
