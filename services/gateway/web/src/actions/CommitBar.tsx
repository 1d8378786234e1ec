import { lazy, Suspense, useState } from "react";
import { Button } from "../app/ui/Button";
import styles from "./CommitBar.module.css";
import { FootBar } from "./FootBar";
import { filesInWords, kindsInWords, sumOf, usePending } from "./pending";

const PendingDialog = lazy(() => import("./PendingDialog").then((part) => ({ default: part.PendingDialog })));

interface CommitBarProps {
  readonly projectFilter: string | null;
}

/** How many files wait to be removed, and the ways to do so or to keep them; nothing while none does. */
export function CommitBar({ projectFilter }: CommitBarProps) {
  const pending = usePending(projectFilter);
  const [asked, setAsked] = useState<"commit" | "revert" | null>(null);
  const close = () => setAsked(null);
  const counts = sumOf(pending);
  return (
    <>
      {counts.total > 0 && (
        <FootBar className={styles.bar} aria-label="Marked for removal" data-commit-bar>
          <p className={styles.words}>
            <strong>{filesInWords(counts.total)} marked for removal</strong>
            <small>
              {kindsInWords(counts)}
              {pending.length > 1 && ` in ${pending.length.toLocaleString("en")} projects`}
            </small>
          </p>
          <Button look="quiet" onClick={() => setAsked("revert")}>
            Keep all
          </Button>
          <Button onClick={() => setAsked("commit")}>Remove</Button>
        </FootBar>
      )}
      <Suspense>{asked !== null && <PendingDialog kind={asked} pending={pending} onClose={close} />}</Suspense>
    </>
  );
}
