import type { ReactNode } from "react";
import { say } from "../app/toasts";
import type { Selection } from "../photos/selection";
import { ActionDialog } from "./ActionDialog";
import { type Done, perform, preview, reverse } from "./calls";
import { type Change, saysSomething } from "./changes";
import { follower, sayFailed } from "./follower";
import { photosInWords, targetsOf } from "./targets";

interface ChangeDialogProps {
  readonly title: string;
  readonly children?: ReactNode;
  readonly selection: Selection;
  /** Null while it is not known what is to be done. */
  readonly change: Change | null;
  readonly verb: string;
  /** What is said of so many photos while it is done, and then: `Moving 12 photos`, `Moved 12 photos`. */
  readonly words: (photos: string) => { readonly doing: string; readonly done: string };
  readonly sentence?: (error: unknown) => string | undefined;
  readonly onClose: () => void;
}

/** Makes a change of all that is selected, in the way of every action. */
export function ChangeDialog({ selection, change, words, onClose, ...rest }: ChangeDialogProps) {
  const targets = targetsOf(selection);
  const meant = change !== null && saysSomething(change);
  return (
    <ActionDialog
      {...rest}
      previewKey={meant ? [change, targets] : null}
      preview={(signal) =>
        change === null ? Promise.reject(new Error("nothing to foretell")) : preview(change, targets, signal)
      }
      perform={async (plan) => {
        if (change === null) return;
        const done = await perform(change, targets, plan);
        onClose();
        tell(done, words, plan.photos, change.kind !== "process");
      }}
      onClose={onClose}
    />
  );
}

function tell(done: Done, words: ChangeDialogProps["words"], photos: number, undoable: boolean): void {
  if (done.tasks.length > 0) {
    const { doing, done: ended } = words(photosInWords(photos));
    follower.follow(done.tasks, { doing: `${doing}…`, done: `${ended}.`, undoable });
    return;
  }
  const failed = done.failed > 0 ? ` ${photosInWords(done.failed)} could not be changed.` : "";
  const undo = { label: "Undo", run: () => void takeBack(done) };
  say(`${words(photosInWords(done.changed)).done}.${failed}`, {
    tone: done.failed > 0 ? "failed" : "usual",
    action: done.changed > 0 ? undo : null,
  });
}

async function takeBack(done: Done): Promise<void> {
  try {
    const photos = await reverse(done.reversals);
    say(`Undone for ${photosInWords(photos)}.`);
  } catch (error) {
    sayFailed(error);
  }
}
