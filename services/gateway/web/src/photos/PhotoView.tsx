import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CloudAlert, FolderX, ImageOff, Images } from "lucide-react";
import { type ReactNode, useEffect, useRef, useSyncExternalStore } from "react";
import { projectsQuery } from "../api/projects";
import { useCan } from "../api/session";
import { Button } from "../app/ui/Button";
import { EmptyState } from "../app/ui/EmptyState";
import { useChangeView, useView } from "../view/useView";
import { isFiltered } from "../view/view";
import { NO_FILTERS } from "./filterWords";
import { Grid } from "./Grid";
import { useListOfView, useReadList } from "./lists";
import styles from "./PhotoView.module.css";
import type { PhotoList } from "./photoList";
import { ViewLine } from "./ViewLine";

interface PhotoViewProps {
  /** The project whose photos are shown, by its folder; null for all photos. */
  readonly projectFilter: string | null;
}

/** The photos of the view: its line of filters, the grid, the bar of dates. */
export function PhotoView({ projectFilter }: PhotoViewProps) {
  const wanted = useListOfView();
  useReadList(wanted);
  useSyncExternalStore(wanted.watch, wanted.version);
  const shown = useLastRead(wanted, projectFilter);
  const gone = useIsGone(projectFilter);
  return (
    <section className={styles.view} aria-label="Photos" aria-busy={wanted.state.kind === "loading"}>
      <ViewLine list={wanted} projectFilter={projectFilter} />
      {gone ? <Gone /> : <Body list={shown} />}
    </section>
  );
}

/** Whether there is no such project, or no longer. */
function useIsGone(projectFilter: string | null): boolean {
  const { data: projects } = useQuery(projectsQuery);
  return projectFilter !== null && (projects?.every(({ folder }) => folder !== projectFilter) ?? false);
}

function Gone() {
  return (
    <EmptyState
      icon={<FolderX aria-hidden />}
      title="This project is not there"
      action={<Link to="/">All photos</Link>}
    >
      It may have been deleted, or be called otherwise by now.
    </EmptyState>
  );
}

/** The list as far as it is read; until then that of the filters before, so that typing makes nothing flicker. */
function useLastRead(wanted: PhotoList, projectFilter: string | null): PhotoList {
  const last = useRef({ shown: wanted, projectFilter });
  const read = wanted.model.total !== null || wanted.state.kind === "failed";
  const current =
    read || last.current.projectFilter !== projectFilter ? { shown: wanted, projectFilter } : last.current;
  useEffect(() => {
    last.current = current;
  });
  return current.shown;
}

function Body({ list }: { readonly list: PhotoList }) {
  const { model, state } = list;
  if (model.total === null) return state.kind === "failed" ? <Failed list={list} why={state.why} /> : null;
  if (model.portions.every((portion) => portion.count === 0)) return <Empty />;
  return (
    <>
      {state.kind === "failed" && (
        <p className={styles.trouble} role="alert">
          {state.why}
          <Button look="quiet" onClick={() => void list.reload()}>
            Try again
          </Button>
        </p>
      )}
      <Grid key={list.name} list={list} />
    </>
  );
}

function Failed({ list, why }: { readonly list: PhotoList; readonly why: string }) {
  return (
    <EmptyState
      icon={<CloudAlert aria-hidden />}
      title="The photos could not be read"
      action={<Button onClick={() => void list.reload()}>Try again</Button>}
    >
      {why}
    </EmptyState>
  );
}

function Empty() {
  const view = useView();
  const change = useChangeView();
  const can = useCan();
  if (isFiltered(view)) {
    return (
      <EmptyState
        icon={<ImageOff aria-hidden />}
        title="No photo matches"
        action={<Button onClick={() => change(NO_FILTERS)}>Show all</Button>}
      />
    );
  }
  return (
    <EmptyState icon={<Images aria-hidden />} title="No photos yet">
      {can("editor") ? whereTo(view.project_filter) : null}
    </EmptyState>
  );
}

function whereTo(projectFilter: string | null): ReactNode {
  if (projectFilter === null) return "Make a project, and drop photos or whole folders on it.";
  return "Drop photos or whole folders here.";
}
