import styles from "./Mark.module.css";

/** The sign of photobus: four photos in two justified rows. */
export function Mark() {
  return (
    <svg className={styles.mark} viewBox="0 0 24 20" aria-hidden="true">
      <rect className={styles.accent} x="0" y="0" width="14" height="9" rx="1.5" />
      <rect x="16" y="0" width="8" height="9" rx="1.5" />
      <rect x="0" y="11" width="8" height="9" rx="1.5" />
      <rect className={styles.quiet} x="10" y="11" width="14" height="9" rx="1.5" />
    </svg>
  );
}
