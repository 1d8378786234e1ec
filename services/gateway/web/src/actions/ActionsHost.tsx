import { useEffect, useState } from "react";
import { say } from "../app/toasts";
import { useLive } from "../live/LiveProvider";
import { previewUndo, undo } from "./calls";
import { follower, sayFailed } from "./follower";
import { countWith, type Plan } from "./plan";
import { UndoDialog } from "./UndoDialog";
import { forgetUndo, useWantedUndo } from "./undoing";

/** What of actions has to be there on every page: it hears how tasks ended, and takes back what somebody wants undone. */
export function ActionsHost() {
  useLive((message) => follower.heard(message));
  const wanted = useWantedUndo();
  return wanted === null ? null : <Undoing key={wanted.join()} taskIds={wanted} />;
}

interface Foretold {
  readonly taskId: string;
  readonly plan: Plan;
}

function Undoing({ taskIds }: { readonly taskIds: readonly string[] }) {
  const [asked, setAsked] = useState<readonly Foretold[] | null>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    let left = false;
    foretell(taskIds).then(
      (foretold) => {
        if (left) return;
        if (foretold.some(({ plan }) => needsAnswer(plan))) setAsked(foretold);
        else void start(foretold).then(forgetUndo);
      },
      (error: unknown) => {
        sayFailed(error);
        if (!left) forgetUndo();
      },
    );
    return () => {
      left = true;
    };
  }, [taskIds]);
  if (asked === null) return null;
  const confirm = () => {
    setBusy(true);
    void start(asked.filter(({ plan }) => countWith(plan, "does") > 0)).then(forgetUndo);
  };
  return <UndoDialog plans={asked.map(({ plan }) => plan)} busy={busy} onConfirm={confirm} onClose={forgetUndo} />;
}

/** Whether some of it cannot be taken back, or none of it has to be. */
function needsAnswer(plan: Plan): boolean {
  return countWith(plan, "refused") > 0 || (plan.lines.length > 0 && countWith(plan, "does") === 0);
}

async function foretell(taskIds: readonly string[]): Promise<readonly Foretold[]> {
  const foretold: Foretold[] = [];
  for (const taskId of taskIds.toReversed()) foretold.push({ taskId, plan: await previewUndo(taskId) });
  return foretold;
}

async function start(foretold: readonly Foretold[]): Promise<void> {
  try {
    const tasks = [];
    for (const { taskId } of foretold) tasks.push(await undo(taskId));
    if (tasks.length === 0) say("There was nothing to undo.");
    else follower.follow(tasks, { doing: "Undoing…", done: "Undone." });
  } catch (error) {
    sayFailed(error);
  }
}
