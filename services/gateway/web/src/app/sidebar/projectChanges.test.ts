import { expect, it } from "vitest";
import type { Project } from "../../api/types";
import type { LiveMessage } from "../../live/messages";
import { marksProjects, projectsAfter } from "./projectChanges";

const project = (id: number, more: Partial<Project> = {}): Project => ({
  id,
  name: `P${id}`,
  folder: `P${id}`,
  status: "active",
  photos: 3,
  version: 2,
  created_at: "2026-01-01T00:00:00Z",
  updated_at: "2026-01-01T00:00:00Z",
  ...more,
});
const PROJECTS = [project(1), project(2)];

const renamed = (version: number): LiveMessage => ({
  name: "project_renamed",
  data: { project_id: 2, project_folder: "P2", old_name: "P2", name: "Summer", version },
});
const about = { project_id: 2, project_folder: "P2", name: "P2" };

it("gives a project its new name, and its new folder", () => {
  expect(projectsAfter(PROJECTS, renamed(3))[1]).toEqual(project(2, { name: "Summer", version: 3 }));
  const moved: LiveMessage = {
    name: "folder_renamed",
    data: { project_id: 2, old_folder: "P2", new_folder: "Summer", project_name: "Summer", version: 4 },
  };
  expect(projectsAfter(PROJECTS, moved)[1]).toMatchObject({ name: "Summer", folder: "Summer", photos: 3 });
});

it("lets no older word undo a newer one", () => {
  expect(projectsAfter(PROJECTS, renamed(2))).toBe(PROJECTS);
});

it("drops a project that is gone", () => {
  expect(projectsAfter(PROJECTS, { name: "project_canceled", data: { ...about, version: 3 } })).toEqual([PROJECTS[0]]);
  expect(projectsAfter(PROJECTS, { name: "project_removed", data: about })).toEqual([PROJECTS[0]]);
  expect(projectsAfter(PROJECTS, { name: "project_removed", data: { ...about, project_id: 9 } })).toBe(PROJECTS);
});

it("has them read anew after what it cannot tell by itself", () => {
  const item = { project_folder: "P2", filename: "a", photo_id: 1, updated_at: "" };
  expect(marksProjects({ name: "project_created", data: about })).toBe(true);
  expect(marksProjects({ name: "item", data: { ...item, version: 1 } })).toBe(true);
  expect(marksProjects({ name: "item", data: { ...item, version: 2 } })).toBe(false);
  expect(marksProjects({ name: "connected", data: { seq: 1 } })).toBe(false);
});
