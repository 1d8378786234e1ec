import type { Project } from "../api/types";
import { byName } from "../app/sidebar/projectNames";
import { readTexts, rememberTexts } from "./remembered";

const KEPT = "photobus-destinations";
const MOST = 8;

/** The projects that photos were moved to last, in this browser, the newest first. */
export function recentProjectIds(): readonly number[] {
  return readTexts(KEPT).map(Number);
}

export function rememberProject(project: Project): void {
  rememberTexts(KEPT, [String(project.id)], MOST);
}

/** Those that were used last first, then the others by name. */
export function recentFirst(projects: readonly Project[], recent: readonly number[]): readonly Project[] {
  const rank = ({ id }: Project) => {
    const at = recent.indexOf(id);
    return at < 0 ? recent.length : at;
  };
  return projects.toSorted((a, b) => rank(a) - rank(b) || byName(a, b));
}
