import type { Project } from "../../api/types";

const COLLATOR = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** A to Z as people sort, "Day 2" before "Day 10"; of the same name, the older first. */
export function byName(one: Project, other: Project): number {
  return COLLATOR.compare(one.name, other.name) || one.id - other.id;
}

/** Those whose name has `wanted` in it, however it is spelt in capitals and accents. */
export function namesLike(projects: readonly Project[], wanted: string): readonly Project[] {
  const part = plain(wanted.trim());
  return part === "" ? projects : projects.filter((project) => plain(project.name).includes(part));
}

function plain(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}
