import { useState } from "react";
import { sentenceOf } from "../api/problems";
import { useCan } from "../api/session";
import { useCancelTask, useRetryTask } from "../api/tasks";
import { say } from "../app/toasts";
import { Button } from "../app/ui/Button";
import { hasEnded, type LiveTask } from "./liveTask";
import { UndoButton } from "./UndoButton";

interface TaskActionsProps {
  readonly task: Pick<LiveTask, "id" | "type" | "label" | "status" | "canceling">;
  readonly look?: "quiet" | "plain";
}

/** What the session may do about a task as it stands. */
export function TaskActions({ task, look = "quiet" }: TaskActionsProps) {
  const can = useCan();
  const cancel = useCancelTask();
  const retry = useRetryTask();
  const [retried, setRetried] = useState(false);
  if (!can("editor")) return null;
  const failed = (error: Error) => say(sentenceOf(error), { tone: "failed" });
  const again = () =>
    retry.mutate(task.id, {
      onSuccess: () => {
        setRetried(true);
        say(`“${task.label}” is tried again.`);
      },
      onError: failed,
    });
  return (
    <>
      {!hasEnded(task.status) && (
        <Button
          look={look}
          busy={cancel.isPending || task.canceling}
          onClick={() => cancel.mutate(task.id, { onError: failed })}
        >
          Cancel
        </Button>
      )}
      {hasEnded(task.status) && task.status !== "completed" && !retried && (
        <Button look={look} busy={retry.isPending} onClick={again}>
          Try again
        </Button>
      )}
      <UndoButton task={task} look={look} />
    </>
  );
}
