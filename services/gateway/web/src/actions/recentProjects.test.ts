import { expect, it } from "vitest";
import type { Project } from "../api/types";
import { recentFirst } from "./recentProjects";

const project = (id: number, name: string): Project => ({
  id,
  name,
  folder: name,
  status: "active",
  photos: 0,
  version: 1,
  created_at: "2026-01-01T00:00:00Z",
  updated_at: "2026-01-01T00:00:00Z",
});

it("lists the projects that were used last first, then the others by name", () => {
  const projects = [project(1, "Alps"), project(2, "Beach"), project(3, "City"), project(4, "Dunes")];
  expect(recentFirst(projects, [4, 9, 2]).map(({ name }) => name)).toEqual(["Dunes", "Beach", "Alps", "City"]);
});
