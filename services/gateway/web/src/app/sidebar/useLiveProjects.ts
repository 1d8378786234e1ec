import { useQueryClient } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { projectsQuery } from "../../api/projects";
import { useLive } from "../../live/LiveProvider";
import { marksProjects, projectsAfter } from "./projectChanges";

/** However much happens, the projects are read at most once in so many milliseconds. */
const SETTLE = 1000;

/** Keeps the list of projects true, and the address of the project that is looked at. */
export function useLiveProjects(): void {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const { folder } = useParams({ strict: false });
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  useLive((message) => {
    queries.setQueryData(projectsQuery.queryKey, (known) => known && projectsAfter(known, message));
    if (marksProjects(message) && timer.current === undefined) {
      timer.current = setTimeout(() => {
        timer.current = undefined;
        void queries.invalidateQueries({ queryKey: projectsQuery.queryKey });
      }, SETTLE);
    }
    if (message.name === "folder_renamed" && message.data.old_folder === folder) {
      const params = { folder: message.data.new_folder };
      void navigate({ to: "/projects/$folder", params, search: true, replace: true });
    }
  });
}
