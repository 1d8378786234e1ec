import { lazy, Suspense } from "react";
import { useCan } from "../api/session";
import { ErrorBoundary } from "../app/ErrorBoundary";
import { PhotoView } from "../photos/PhotoView";
import { useChangeView, useView } from "./useView";

const Viewer = lazy(() => import("../viewer/Viewer").then((part) => ({ default: part.Viewer })));
const SelectionBar = lazy(() => import("../actions/SelectionBar").then((part) => ({ default: part.SelectionBar })));
const CommitBar = lazy(() => import("../actions/CommitBar").then((part) => ({ default: part.CommitBar })));
const UploadZone = lazy(() => import("../uploads/UploadZone").then((part) => ({ default: part.UploadZone })));

/** All photos, or those of a project: the list, what can be done with it, and the photo that is looked at. */
export function PhotosPage() {
  const { project_filter: projectFilter, photo } = useView();
  const change = useChangeView();
  const can = useCan();
  return (
    <>
      <PhotoView projectFilter={projectFilter} />
      <ErrorBoundary>
        <Suspense>
          {can("editor") && (
            <>
              <SelectionBar projectFilter={projectFilter} />
              <CommitBar projectFilter={projectFilter} />
              <UploadZone projectFilter={projectFilter} />
            </>
          )}
        </Suspense>
        <Suspense>
          {photo !== null && (
            <Viewer photoId={photo} projectFilter={projectFilter} onClose={() => change({ photo: undefined })} />
          )}
        </Suspense>
      </ErrorBoundary>
    </>
  );
}
