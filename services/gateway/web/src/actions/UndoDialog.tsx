import { Button } from "../app/ui/Button";
import { Dialog } from "../app/ui/Dialog";
import { PlanView } from "./PlanView";
import { countWith, type Plan } from "./plan";

interface UndoDialogProps {
  readonly plans: readonly Plan[];
  readonly busy: boolean;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
}

/** Says what of a task can be taken back and what cannot, and why, before anything is. */
export function UndoDialog({ plans, busy, onConfirm, onClose }: UndoDialogProps) {
  const plan: Plan = {
    photos: plans.reduce((sum, one) => sum + one.photos, 0),
    lines: plans.flatMap(({ lines }) => lines),
    answers: plans.flatMap(({ answers }) => answers),
  };
  const possible = countWith(plan, "does") > 0;
  return (
    <Dialog
      wide
      title={possible ? "Not all of it can be undone" : "It cannot be undone"}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{possible ? "Cancel" : "Close"}</Button>
          {possible && (
            <Button look="primary" busy={busy} onClick={onConfirm} data-autofocus>
              Undo the rest
            </Button>
          )}
        </>
      }
    >
      <PlanView plan={plan} open />
    </Dialog>
  );
}
