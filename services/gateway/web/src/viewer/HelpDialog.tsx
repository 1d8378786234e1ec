import { useCan } from "../api/session";
import { Dialog } from "../app/ui/Dialog";
import styles from "./HelpDialog.module.css";
import { HELP } from "./keys";

/** What the keys do in the viewer. */
export function HelpDialog({ onClose }: { readonly onClose: () => void }) {
  const can = useCan();
  return (
    <Dialog title="Keys" onClose={onClose}>
      <dl className={styles.keys}>
        {HELP.filter(({ changes }) => changes === undefined || can("editor")).map(({ keys, does }) => (
          <div key={does}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
