import { classes } from "./classes";
import styles from "./Progress.module.css";

interface ProgressProps {
  readonly label: string;
  /** How much of `total` is done; null while nobody can know. */
  readonly done: number | null;
  readonly total: number;
  readonly tone?: "usual" | "failed";
  /** Whether the label is shown above the bar; it is read out in any case. */
  readonly labelled?: boolean;
}

/** A bar that says how far something is. */
export function Progress({ label, done, total, tone = "usual", labelled = false }: ProgressProps) {
  const known = done !== null && total > 0;
  return (
    <label className={styles.progress}>
      <span className={labelled ? styles.label : "heard"}>{label}</span>
      <progress
        className={classes(styles.bar, tone === "failed" && styles.failed)}
        {...(known ? { value: Math.min(done, total), max: total } : {})}
      />
    </label>
  );
}
