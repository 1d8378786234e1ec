import { X } from "lucide-react";
import { useEffect, useState } from "react";
import styles from "./Toasts.module.css";
import { dismiss, type Toast, useToasts } from "./toasts";
import { Button, IconButton } from "./ui/Button";
import { classes } from "./ui/classes";

/** How long a toast stays, in milliseconds; one with an action longer, for it has to be read, and decided upon. */
const STAYS = 6_000;
const STAYS_WITH_ACTION = 15_000;

/** The toasts. While one of them is pointed at or holds the focus, none of them goes. */
export function Toasts() {
  const toasts = useToasts();
  const [pointedAt, setPointedAt] = useState(false);
  const [focused, setFocused] = useState(false);
  return (
    <section
      aria-label="Notices"
      className={styles.toasts}
      onPointerEnter={() => setPointedAt(true)}
      onPointerLeave={() => setPointedAt(false)}
      onFocus={() => setFocused(true)}
      onBlur={() => setFocused(false)}
    >
      <div role="status" aria-live="polite" aria-relevant="additions">
        {toasts.map((toast) => (
          <ToastLine key={toast.id} toast={toast} held={(pointedAt || focused) && toasts.length > 0} />
        ))}
      </div>
    </section>
  );
}

function ToastLine({ toast, held }: { readonly toast: Toast; readonly held: boolean }) {
  const { id, text, tone, action } = toast;
  const stays = action === null ? STAYS : STAYS_WITH_ACTION;
  useEffect(() => {
    if (held) return undefined;
    const timer = setTimeout(() => dismiss(id), stays);
    return () => clearTimeout(timer);
  }, [id, held, stays]);
  return (
    <div className={classes(styles.toast, tone === "failed" && styles.failed)}>
      <p>{text}</p>
      {action !== null && (
        <Button
          look="quiet"
          className={styles.action}
          onClick={() => {
            dismiss(id);
            action.run();
          }}
        >
          {action.label}
        </Button>
      )}
      <IconButton label="Dismiss" onClick={() => dismiss(id)}>
        <X aria-hidden />
      </IconButton>
    </div>
  );
}
