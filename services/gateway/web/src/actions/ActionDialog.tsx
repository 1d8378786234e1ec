import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useId, useState } from "react";
import { sentenceOf } from "../api/problems";
import { Button } from "../app/ui/Button";
import { Dialog } from "../app/ui/Dialog";
import styles from "./ActionDialog.module.css";
import { PlanView } from "./PlanView";
import { countWith, type Plan } from "./plan";

interface ActionDialogProps {
  readonly title: string;
  /** What is to be filled in before anything can be foretold. */
  readonly children?: ReactNode;
  /** Names what is foretold: another key, another preview. Null while there is nothing to foretell. */
  readonly previewKey: readonly unknown[] | null;
  readonly preview: (signal: AbortSignal) => Promise<Plan>;
  /** What the button says. */
  readonly verb: string;
  readonly danger?: boolean;
  /** Does it. Closing the dialog is up to this, so that what fails can be tried again. */
  readonly perform: (plan: Plan) => Promise<void>;
  /** Says what went wrong, where a field does not say so itself. */
  readonly sentence?: (error: unknown) => string | undefined;
  readonly onClose: () => void;
}

/** The way of every action: it says beforehand what would become of each photo, and does it when told to. */
export function ActionDialog(props: ActionDialogProps) {
  const { title, children, previewKey, preview, verb, danger = false, perform, sentence = sentenceOf, onClose } = props;
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const id = useId();
  const foretold = useQuery({
    queryKey: ["preview", id, ...(previewKey ?? [])],
    queryFn: ({ signal }) => preview(signal),
    enabled: previewKey !== null && !busy,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  const plan = previewKey === null ? undefined : foretold.data;
  const possible = plan !== undefined && (countWith(plan, "does") > 0 || plan.lines.length < plan.photos);
  const go = () => {
    if (plan === undefined) return;
    setBusy(true);
    setFailure(null);
    perform(plan).catch((error: unknown) => {
      setFailure(error);
      setBusy(false);
    });
  };
  const wrong = failure ?? (previewKey === null ? null : foretold.error);
  const said = wrong === null ? undefined : sentence(wrong);
  return (
    <Dialog
      wide
      title={title}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look={danger ? "danger" : "primary"} disabled={!possible} busy={busy} onClick={go}>
            {verb}
          </Button>
        </>
      }
    >
      {children}
      <div aria-live="polite" className={styles.foretold}>
        {previewKey !== null && foretold.isFetching && <p className={styles.quiet}>Looking at what will happen…</p>}
        {plan !== undefined && <PlanView plan={plan} open={danger} />}
        {said !== undefined && <p className={styles.failed}>{said}</p>}
      </div>
    </Dialog>
  );
}
