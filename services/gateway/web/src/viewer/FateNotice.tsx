import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { projectsQuery } from "../api/projects";
import type { Fate } from "./photoChanges";
import styles from "./Viewer.module.css";

/** Says what became of the photo while it was looked at. */
export function FateNotice({ fate }: { readonly fate: Fate | null }) {
  const { data: projects } = useQuery({ ...projectsQuery, enabled: fate?.kind === "moved" });
  return (
    <div role="status" className={styles.fate}>
      {fate?.kind === "removed" && <p>This photo was removed.</p>}
      {fate?.kind === "project deleted" && <p>The project of this photo was deleted.</p>}
      {fate?.kind === "moved" && (
        <p>
          This photo was moved to{" "}
          <Link to="/projects/$folder" params={{ folder: fate.to }}>
            {projects?.find(({ folder }) => folder === fate.to)?.name ?? fate.to}
          </Link>
          .
        </p>
      )}
    </div>
  );
}
