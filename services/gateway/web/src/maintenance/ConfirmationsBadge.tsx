import styles from "./ConfirmationsBadge.module.css";
import { useOpenConfirmations } from "./useOpenConfirmations";

/** How many questions wait for an answer, beside the link to them; nothing while none does. */
export function ConfirmationsBadge() {
  const { data = [] } = useOpenConfirmations();
  if (data.length === 0) return null;
  return (
    <span className={styles.badge}>
      {data.length}
      <span className="heard"> to answer</span>
    </span>
  );
}
