import { Progress } from "../app/ui/Progress";
import type { Summary } from "./tabs";
import styles from "./UploadSheet.module.css";
import { files } from "./words";

/** Says that another tab of this browser uploads, and how far it is. */
export function OtherTabs({ others }: { readonly others: readonly Summary[] }) {
  const open = others.reduce((all, other) => all + other.open, 0);
  const bytes = others.reduce((all, other) => all + other.bytes, 0);
  const sent = others.reduce((all, other) => all + other.sent, 0);
  return (
    <section className={styles.pill} aria-label="Upload in another tab">
      <span>Another tab uploads {files(open)}</span>
      <Progress label="Uploaded by another tab" done={sent} total={bytes} />
    </section>
  );
}
