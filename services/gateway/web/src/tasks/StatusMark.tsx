import { Ban, Check, CircleAlert, CircleDashed, CircleHelp, LoaderCircle } from "lucide-react";
import type { JobStatus, TaskStatus } from "../api/tasks";
import { classes } from "../app/ui/classes";
import styles from "./StatusMark.module.css";
import { JOB_STATUS_WORDS, STATUS_WORDS } from "./words";

const ICONS = {
  requested: CircleDashed,
  queued: CircleDashed,
  running: LoaderCircle,
  retrying: CircleDashed,
  waiting: CircleHelp,
  completed: Check,
  completed_with_errors: CircleAlert,
  failed: CircleAlert,
  canceled: Ban,
} as const;

interface StatusMarkProps {
  readonly status: TaskStatus | JobStatus;
  /** It was asked to stop, and has not yet. */
  readonly canceling?: boolean;
}

/** How a task or a job stands: an icon and a word. */
export function StatusMark({ status, canceling = false }: StatusMarkProps) {
  const Icon = ICONS[status];
  return (
    <span className={classes(styles.mark, styles[status])}>
      <Icon aria-hidden />
      {canceling ? "Stopping" : { ...JOB_STATUS_WORDS, ...STATUS_WORDS }[status]}
    </span>
  );
}
