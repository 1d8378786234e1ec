import { Outlet } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { useCan } from "../api/session";
import { useJoined } from "../live/LiveProvider";
import { ErrorBoundary } from "./ErrorBoundary";
import { Header } from "./Header";
import styles from "./Shell.module.css";
import { Sidebar } from "./sidebar/Sidebar";
import { useLiveProjects } from "./sidebar/useLiveProjects";

const ActionsHost = lazy(() => import("../actions/ActionsHost").then((part) => ({ default: part.ActionsHost })));
const UploadPanel = lazy(() => import("../uploads/UploadPanel").then((part) => ({ default: part.UploadPanel })));

/** What all views stand in. Lists below are read once the line stands, so that no change of theirs is missed. */
export function Shell() {
  const joined = useJoined();
  const can = useCan();
  useLiveProjects();
  return (
    <div className={styles.shell}>
      <a className={styles.skip} href="#content">
        Skip to the photos
      </a>
      <Header />
      <Sidebar />
      <main id="content" className={styles.content} tabIndex={-1}>
        <ErrorBoundary>{joined && <Outlet />}</ErrorBoundary>
      </main>
      {can("editor") && (
        <ErrorBoundary>
          <Suspense>
            <ActionsHost />
            <UploadPanel />
          </Suspense>
        </ErrorBoundary>
      )}
    </div>
  );
}
