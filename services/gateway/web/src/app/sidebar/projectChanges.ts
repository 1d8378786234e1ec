import type { Project } from "../../api/types";
import type { LiveMessage, LiveName } from "../../live/messages";

/** The projects as they are after `message`; the same list where it tells of none of them. */
export function projectsAfter(projects: readonly Project[], message: LiveMessage): readonly Project[] {
  switch (message.name) {
    case "project_renamed":
      return patched(projects, message.data.project_id, message.data.version, { name: message.data.name });
    case "folder_renamed":
      return patched(projects, message.data.project_id, message.data.version, {
        name: message.data.project_name,
        folder: message.data.new_folder,
      });
    case "project_canceled":
    case "project_removed":
      return without(projects, message.data.project_id);
    default:
      return projects;
  }
}

const MARKING: ReadonlySet<LiveName> = new Set<LiveName>([
  "project_created",
  "project_discovered",
  "project_renamed",
  "project_restored",
  "folder_renamed",
  "manifest_changed",
  "item_moved",
  "item_removed",
  "task_completed",
  "task_canceled",
]);

/** Whether there may be other projects after `message`, or other numbers of photos, so that they are to be read anew. */
export function marksProjects(message: LiveMessage): boolean {
  if (message.name === "item") return message.data.version === 1; // a photo that came just now
  return MARKING.has(message.name);
}

function patched(
  projects: readonly Project[],
  id: number,
  version: number,
  change: Partial<Project>,
): readonly Project[] {
  const older = projects.some((project) => project.id === id && project.version < version);
  if (!older) return projects;
  return projects.map((project) => (project.id === id ? { ...project, ...change, version } : project));
}

function without(projects: readonly Project[], id: number): readonly Project[] {
  return projects.some((project) => project.id === id) ? projects.filter((project) => project.id !== id) : projects;
}
