import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useLayoutEffect, useSyncExternalStore } from "react";
import { projectsQuery } from "../api/projects";
import { sessionQuery } from "../api/session";
import { say } from "../app/toasts";
import { useLive } from "../live/LiveProvider";
import { OtherTabs } from "./OtherTabs";
import { useOffer, withdraw } from "./offers";
import { uploads } from "./uploads";

const Progressing = lazy(() => import("./UploadSheet").then((part) => ({ default: part.UploadSheet })));
const TargetDialog = lazy(() => import("./TargetDialog").then((part) => ({ default: part.TargetDialog })));

/** How far uploads are; stays while one goes from view to view, and shows nothing while there are none. */
export function UploadPanel() {
  const { data: session } = useQuery(sessionQuery);
  const actor = session?.actor ?? null;
  const { own, others } = useSyncExternalStore(uploads.watch, uploads.shown);
  // Before the effects of what is below: files may have been chosen already.
  useLayoutEffect(() => (actor === null ? undefined : uploads.enter(actor)), [actor]);
  useLive((message) => uploads.hear(message));
  useEffect(keepPage, []);
  return (
    <>
      <Offers />
      {own !== null && own.phase !== "none" && (
        <Suspense>
          <Progressing view={own} />
        </Suspense>
      )}
      {(own === null || own.phase === "none") && others.length > 0 && <OtherTabs others={others} />}
    </>
  );
}

/** Takes in what was dropped or chosen, after asking for the project where none is looked at. */
function Offers() {
  const offered = useOffer();
  const { data: projects } = useQuery(projectsQuery);
  const project = projects?.find(({ folder }) => folder === offered?.folder);
  useEffect(() => {
    if (offered === null || project === undefined) return;
    withdraw(offered);
    uploads.add(offered.gathered, project).catch(() => say("The upload could not begin.", { tone: "failed" }));
  }, [offered, project]);
  if (offered === null || projects === undefined || project !== undefined) return null;
  return (
    <Suspense>
      <TargetDialog offer={offered} />
    </Suspense>
  );
}

/** A file that is dropped where nothing takes it would take the place of the page. */
function keepPage(): () => void {
  const listening = new AbortController();
  const keep = (event: DragEvent) => {
    if (event.dataTransfer?.types.includes("Files") && !event.defaultPrevented) {
      event.preventDefault();
      event.dataTransfer.dropEffect = "none";
    }
  };
  window.addEventListener("dragover", keep, { signal: listening.signal });
  window.addEventListener("drop", keep, { signal: listening.signal });
  return () => listening.abort();
}
