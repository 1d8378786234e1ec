import { useUndo } from "../actions/undoing";
import { useCan } from "../api/session";
import { Button } from "../app/ui/Button";
import { hasEnded, type LiveTask } from "./liveTask";

/** Kinds of tasks that can be taken back, by who may: as `photobus_gateway/undos.py` says. */
const UNDOABLE: Readonly<Record<string, "editor" | "admin">> = {
  image_move: "editor",
  change_commit: "editor",
  change_commit_all: "editor",
  change_revert: "editor",
  keep_update: "editor",
  tags_update: "editor",
  undo: "editor",
  project_delete: "admin",
  project_restore: "admin",
};

interface UndoButtonProps {
  readonly task: Pick<LiveTask, "id" | "type" | "status">;
  readonly look: "quiet" | "plain";
}

/** Takes back what a task did, where its kind can be. */
export function UndoButton({ task, look }: UndoButtonProps) {
  const can = useCan();
  const undo = useUndo();
  const needed = Object.hasOwn(UNDOABLE, task.type) ? UNDOABLE[task.type] : undefined;
  if (needed === undefined || !can(needed) || !hasEnded(task.status)) return null;
  return (
    <Button look={look} onClick={() => undo([task.id])}>
      Undo
    </Button>
  );
}
