import { CloudOff } from "lucide-react";
import { useEffect, useState } from "react";
import { useLineState } from "../live/LiveProvider";
import styles from "./ConnectionNotice.module.css";

/** A line that is back within this many milliseconds was not worth a word. */
const PATIENCE = 2500;

/** Says that the line is lost, since when, and that it is back; nothing while all is well. */
export function ConnectionNotice() {
  const line = useLineState();
  const lost = line.kind === "lost" ? line.since : null;
  const [told, setTold] = useState<number | null>(null);
  useEffect(() => {
    if (lost === null) {
      setTold(null);
      return undefined;
    }
    const timer = setTimeout(() => setTold(lost), Math.max(0, lost + PATIENCE - Date.now()));
    return () => clearTimeout(timer);
  }, [lost]);
  return (
    <div role="status" className={styles.place}>
      {told !== null && (
        <p className={styles.notice} title="What happens meanwhile is caught up with when it is back.">
          <CloudOff aria-hidden />
          <span>
            No connection since <time dateTime={new Date(told).toISOString()}>{clock(told)}</time>
            <span className={styles.more}>, trying again</span>
          </span>
        </p>
      )}
    </div>
  );
}

function clock(time: number): string {
  return new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" }).format(time);
}
