import { useQuery } from "@tanstack/react-query";
import { api, bodyOf } from "../api/client";
import type { Schemas } from "../api/types";
import { usePendingChanges } from "../live/LiveProvider";
import { listed } from "./plan";

export type PendingOfProject = Schemas["PendingOfProjectView"];

/** What is pending in each project of the scope that has anything pending, live; the one with most first. */
export function usePending(projectFilter: string | null): readonly PendingOfProject[] {
  const told = usePendingChanges();
  const read = useQuery({
    queryKey: ["pending-deletes"],
    enabled: told === null, // the line tells it with the first message; this is for when there is no line
    gcTime: 0,
    staleTime: 0,
    queryFn: ({ signal }) => bodyOf(api.GET("/api/photos/pending-deletes", { signal })),
  });
  return inScope((told ?? read.data)?.by_project ?? [], projectFilter);
}

export function inScope(
  pending: readonly PendingOfProject[],
  projectFilter: string | null,
): readonly PendingOfProject[] {
  return pending
    .filter(({ project_folder, total }) => total > 0 && (projectFilter === null || project_folder === projectFilter))
    .toSorted((a, b) => b.total - a.total || a.project_id - b.project_id);
}

export interface Counts {
  readonly jpg: number;
  readonly raw: number;
  readonly other: number;
  readonly total: number;
}

export function sumOf(pending: readonly Counts[]): Counts {
  const sum = (name: keyof Counts) => pending.reduce((so_far, one) => so_far + one[name], 0);
  return { jpg: sum("jpg"), raw: sum("raw"), other: sum("other"), total: sum("total") };
}

export function filesInWords(count: number): string {
  return `${count.toLocaleString("en")} ${count === 1 ? "file" : "files"}`;
}

/** `3 JPEG and 1 RAW`. */
export function kindsInWords({ jpg, raw, other }: Counts): string {
  const parts = [
    [jpg, "JPEG"],
    [raw, "RAW"],
    [other, "other"],
  ] as const;
  return listed(parts.filter(([count]) => count > 0).map(([count, kind]) => `${count.toLocaleString("en")} ${kind}`));
}
