import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf } from "./client";
import { once } from "./once";
import type { Project } from "./types";

export const PROJECTS_KEY = ["projects"] as const;

const PAGE = 500;

/** All active projects, by name. Live messages keep it true (`app/sidebar/projectChanges.ts`). */
export const projectsQuery = queryOptions({
  queryKey: PROJECTS_KEY,
  queryFn: async ({ signal }): Promise<readonly Project[]> => {
    const projects: Project[] = [];
    let cursor: string | null = null;
    do {
      const query: { limit: number; cursor?: string } = cursor === null ? { limit: PAGE } : { limit: PAGE, cursor };
      const page = await bodyOf(api.GET("/api/projects", { params: { query }, signal }));
      projects.push(...page.items);
      cursor = page.next_cursor;
    } while (cursor !== null);
    return projects;
  },
});

/** Makes a project; one whose name is taken gets a number, so look at the answer's name. */
export function useCreateProject() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (name: string) =>
      once((header) => bodyOf(api.POST("/api/projects", { params: { header }, body: { name } }))),
    onSuccess: (made) => {
      queries.setQueryData(projectsQuery.queryKey, (known) => known && [...known.filter(other(made)), made]);
    },
  });
}

/** Gives a project another name at once; its folder follows later, by itself. */
export function useRenameProject() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ folder, name }: { folder: string; name: string }) =>
      once((header) =>
        bodyOf(
          api.PATCH("/api/projects/{folder}/rename", {
            params: { path: { folder }, header },
            body: { new_name: name },
          }),
        ),
      ),
    onSuccess: (renamed) => {
      queries.setQueryData(projectsQuery.queryKey, (known) =>
        known?.map((project) => (project.id === renamed.id ? renamed : project)),
      );
    },
  });
}

function other(than: Project): (project: Project) => boolean {
  return (project) => project.id !== than.id;
}
