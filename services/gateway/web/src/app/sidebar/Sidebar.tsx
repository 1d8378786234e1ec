import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Images, ListChecks, Plus, Wrench } from "lucide-react";
import { lazy, Suspense, useRef, useState } from "react";
import { sentenceOf } from "../../api/problems";
import { projectsQuery } from "../../api/projects";
import { useCan } from "../../api/session";
import { useJoined } from "../../live/LiveProvider";
import { ConfirmationsBadge } from "../../maintenance/ConfirmationsBadge";
import { Button, IconButton } from "../ui/Button";
import { ProjectList } from "./ProjectList";
import styles from "./Sidebar.module.css";

export const SIDEBAR_ID = "sidebar";

const NewProjectDialog = lazy(() => import("./ProjectDialogs").then((part) => ({ default: part.NewProjectDialog })));

/** Where one can go. Beside the view on wide screens, over it (as a popover) on narrow ones. */
export function Sidebar() {
  const joined = useJoined();
  const projects = useQuery({ ...projectsQuery, enabled: joined });
  const can = useCan();
  const [making, setMaking] = useState(false);
  const nav = useRef<HTMLElement>(null);
  const leave = () => nav.current?.matches(":popover-open") && nav.current.hidePopover();
  const photos = projects.data?.reduce((sum, project) => sum + project.photos, 0);
  return (
    <>
      <nav ref={nav} id={SIDEBAR_ID} popover="auto" aria-label="Projects and pages" className={styles.sidebar}>
        <Link to="/" className={styles.place} activeOptions={{ exact: true, includeSearch: false }} onClick={leave}>
          <Images aria-hidden />
          <span>All photos</span>
          <Count of={photos} />
        </Link>
        <div className={styles.head}>
          <h2>Projects</h2>
          {can("editor") && (
            <IconButton label="New project" onClick={() => setMaking(true)}>
              <Plus aria-hidden />
            </IconButton>
          )}
        </div>
        {projects.isError && <Unread error={projects.error} again={() => void projects.refetch()} />}
        <ProjectList projects={projects.data ?? []} read={projects.isSuccess} onChosen={leave} />
        <div className={styles.pages}>
          <Link to="/tasks" className={styles.place} activeOptions={{ includeSearch: false }} onClick={leave}>
            <ListChecks aria-hidden />
            <span>Tasks</span>
          </Link>
          <Link to="/maintenance" className={styles.place} activeOptions={{ includeSearch: false }} onClick={leave}>
            <Wrench aria-hidden />
            <span>Maintenance</span>
            <ConfirmationsBadge />
          </Link>
        </div>
      </nav>
      {making && (
        <Suspense>
          <NewProjectDialog onClose={() => setMaking(false)} />
        </Suspense>
      )}
    </>
  );
}

function Unread({ error, again }: { readonly error: unknown; readonly again: () => void }) {
  return (
    <div className={styles.unread} role="alert">
      <p>{sentenceOf(error)}</p>
      <Button onClick={again}>Try again</Button>
    </div>
  );
}

/** A number of photos, beside what has them. */
export function Count({ of }: { readonly of: number | undefined }) {
  if (of === undefined) return null;
  return (
    <span className={styles.count}>
      {of.toLocaleString()}
      <span className="heard"> photos</span>
    </span>
  );
}
