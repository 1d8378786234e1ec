import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { sentenceOf } from "../api/problems";
import type { Project, Schemas } from "../api/types";
import { Button } from "../app/ui/Button";
import { Dialog } from "../app/ui/Dialog";
import styles from "./ActionDialog.module.css";
import { bytesInWords } from "./bytes";
import { deleteProject, previewDeletion } from "./calls";
import { follower } from "./follower";
import { PlanView } from "./PlanView";
import { filesInWords } from "./pending";
import { planOf } from "./plan";
import { photosInWords } from "./targets";

interface DeleteProjectDialogProps {
  readonly project: Project;
  readonly onClose: () => void;
}

/** Says what would go with a project, and deletes it. */
export function DeleteProjectDialog({ project, onClose }: DeleteProjectDialogProps) {
  const { folder, name } = project;
  const navigate = useNavigate();
  const { folder: shown } = useParams({ strict: false });
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const plan = useQuery({
    queryKey: ["deletion of", project.id, folder],
    queryFn: ({ signal }) => previewDeletion(folder, signal),
    gcTime: 0,
    staleTime: 0,
  });
  const go = async () => {
    setBusy(true);
    setFailure(null);
    try {
      const task = await deleteProject(folder);
      onClose();
      if (shown === folder) void navigate({ to: "/" });
      follower.follow([task], { doing: `Deleting “${name}”…`, done: `Deleted “${name}”.` });
    } catch (error) {
      setFailure(error);
      setBusy(false);
    }
  };
  const wrong = failure ?? plan.error;
  return (
    <Dialog
      wide
      title={`Delete “${name}”`}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose} data-autofocus>
            Cancel
          </Button>
          <Button look="danger" disabled={plan.data === undefined} busy={busy} onClick={() => void go()}>
            Delete
          </Button>
        </>
      }
    >
      <div aria-live="polite">
        {plan.isFetching && <p className={styles.quiet}>Looking at what will happen…</p>}
        {plan.data !== undefined && <Deletion plan={plan.data} />}
        {wrong !== null && <p className={styles.failed}>{sentenceOf(wrong)}</p>}
      </div>
    </Dialog>
  );
}

function Deletion({ plan }: { readonly plan: Schemas["DeletionPlan"] }) {
  const { photos, files, bytes, stops } = plan;
  return (
    <div className={styles.deletion}>
      <p>
        {photos === 0
          ? "It has no photos."
          : `${photosInWords(photos)} go to the trash: ${filesInWords(files)}, ${bytesInWords(bytes)}.`}{" "}
        As long as they are in the trash, Undo brings the project back with all of them.
      </p>
      {stops.length > 0 && (
        <>
          <p>These tasks stop:</p>
          <ul className={styles.stops}>
            {stops.map(({ id, label, whole }) => (
              <li key={id}>{whole ? label : `${label}, as far as it is about this project`}</li>
            ))}
          </ul>
        </>
      )}
      {photos > 0 && <PlanView plan={planOf([plan])} bare />}
    </div>
  );
}
