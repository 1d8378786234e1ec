import { useState } from "react";
import { Checkbox } from "../app/ui/Field";
import { ActionDialog } from "./ActionDialog";
import { commit, previewPending, revert } from "./calls";
import { follower } from "./follower";
import styles from "./PendingDialog.module.css";
import { filesInWords, kindsInWords, type PendingOfProject, sumOf } from "./pending";

interface PendingDialogProps {
  readonly kind: "commit" | "revert";
  /** Of the projects that are looked at. */
  readonly pending: readonly PendingOfProject[];
  readonly onClose: () => void;
}

/** Says which files go, or are kept again, project by project and photo by photo, and does it. */
export function PendingDialog({ kind, pending, onClose }: PendingDialogProps) {
  const [without, setWithout] = useState<ReadonlySet<number>>(new Set());
  const chosen = pending.filter(({ project_id }) => !without.has(project_id));
  const folders = chosen.map(({ project_folder }) => project_folder).toSorted();
  const { total } = sumOf(chosen);
  const files = filesInWords(total);
  const removes = kind === "commit";
  const toggle = (id: number) => {
    const next = new Set(without);
    if (!next.delete(id)) next.add(id);
    setWithout(next);
  };
  return (
    <ActionDialog
      title={removes ? `Remove ${files}` : `Keep ${files} after all`}
      previewKey={total === 0 ? null : [kind, folders, total]}
      preview={(signal) => previewPending(removes ? "change_commit_all" : "change_revert", folders, signal)}
      verb={removes ? "Remove" : "Keep"}
      danger={removes}
      perform={async () => {
        const task = removes ? await commit(folders) : await revert(folders);
        onClose();
        follower.follow([task], wordsOf(removes, files));
      }}
      onClose={onClose}
    >
      <p>
        {removes
          ? "They go to the trash of their project. As long as they are there, Undo brings them back."
          : "They are marked for removal no more. Nothing on the disk changes."}
      </p>
      {pending.length > 1 && (
        <ul className={styles.projects} aria-label="Projects">
          {pending.map((one) => (
            <li key={one.project_id}>
              <Checkbox
                checked={!without.has(one.project_id)}
                onChange={() => toggle(one.project_id)}
                label={
                  <>
                    {one.project_folder} <small>{kindsInWords(one)}</small>
                  </>
                }
              />
            </li>
          ))}
        </ul>
      )}
    </ActionDialog>
  );
}

function wordsOf(removes: boolean, files: string): { readonly doing: string; readonly done: string } {
  return removes
    ? { doing: `Removing ${files}…`, done: `Removed ${files}.` }
    : { doing: `Keeping ${files}…`, done: `Kept ${files}.` };
}
