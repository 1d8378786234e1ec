import { Link } from "@tanstack/react-router";
import { Ellipsis, Folder, Pencil, Trash2 } from "lucide-react";
import { lazy, Suspense, useMemo, useState } from "react";
import { useCan } from "../../api/session";
import type { Project } from "../../api/types";
import { Menu, MenuItem } from "../ui/Menu";
import { byName, namesLike } from "./projectNames";
import { Count } from "./Sidebar";
import styles from "./Sidebar.module.css";

const RenameProjectDialog = lazy(() =>
  import("./ProjectDialogs").then((part) => ({ default: part.RenameProjectDialog })),
);
const DeleteProjectDialog = lazy(() =>
  import("../../actions/DeleteProjectDialog").then((part) => ({ default: part.DeleteProjectDialog })),
);

/** From so many projects on, they can be looked through by name. */
const MANY = 12;

interface ProjectListProps {
  readonly projects: readonly Project[];
  /** Whether they were read, so that none means that there are none. */
  readonly read: boolean;
  readonly onChosen: () => void;
}

interface Asked {
  readonly what: "rename" | "delete";
  readonly project: Project;
}

export function ProjectList({ projects, read, onChosen }: ProjectListProps) {
  const [wanted, setWanted] = useState("");
  const [asked, setAsked] = useState<Asked | null>(null);
  const sorted = useMemo(() => projects.toSorted(byName), [projects]);
  const shown = namesLike(sorted, wanted);
  const close = () => setAsked(null);
  return (
    <>
      {projects.length >= MANY && (
        <input
          type="search"
          className={styles.find}
          aria-label="Find a project"
          placeholder="Find a project"
          value={wanted}
          onChange={(event) => setWanted(event.target.value)}
        />
      )}
      <ul className={styles.projects} aria-label="Projects">
        {shown.map((project) => (
          <ProjectRow key={project.id} project={project} onChosen={onChosen} onAsked={setAsked} />
        ))}
      </ul>
      {read && shown.length === 0 && <p className={styles.none}>{wanted ? "None of that name" : "None yet"}</p>}
      <Suspense>
        {asked?.what === "rename" && <RenameProjectDialog project={asked.project} onClose={close} />}
        {asked?.what === "delete" && <DeleteProjectDialog project={asked.project} onClose={close} />}
      </Suspense>
    </>
  );
}

interface ProjectRowProps {
  readonly project: Project;
  readonly onChosen: () => void;
  readonly onAsked: (asked: Asked) => void;
}

function ProjectRow({ project, onChosen, onAsked }: ProjectRowProps) {
  const can = useCan();
  return (
    <li className={styles.project}>
      <Link
        to="/projects/$folder"
        params={{ folder: project.folder }}
        activeOptions={{ includeSearch: false }}
        className={styles.place}
        title={project.name}
        onClick={onChosen}
      >
        <Folder aria-hidden />
        <span>{project.name}</span>
        <Count of={project.photos} />
      </Link>
      {can("editor") && (
        <Menu label={`${project.name}: more`} icon={<Ellipsis aria-hidden />} className={styles.more}>
          <MenuItem icon={<Pencil aria-hidden />} onClick={() => onAsked({ what: "rename", project })}>
            Rename
          </MenuItem>
          {can("admin") && (
            <MenuItem danger icon={<Trash2 aria-hidden />} onClick={() => onAsked({ what: "delete", project })}>
              Delete
            </MenuItem>
          )}
        </Menu>
      )}
    </li>
  );
}
