import { useEffect, useMemo, useRef, useState } from "react";
import { sentenceOf } from "../api/problems";
import { Button } from "../app/ui/Button";
import { TimeAxis } from "./TimeAxis";
import styles from "./Timeline.module.css";
import { TimelineRow } from "./TimelineRow";
import { timelineOf } from "./timeline";
import { useTaskEvents } from "./useTaskEvents";

/** The events of a task: along an axis of time, and as a list in which each leads to its cause. */
export function TimelineView({ taskId }: { readonly taskId: string }) {
  const { items, more, pending, error, again } = useTaskEvents(taskId);
  const timeline = useMemo(() => timelineOf(items), [items]);
  const list = useRef<HTMLOListElement>(null);
  const [chosen, setChosen] = useState<{ readonly at: number } | null>(null);
  useEffect(() => {
    if (chosen === null) return;
    const row = list.current?.children[chosen.at];
    row?.scrollIntoView({ block: "center", behavior: "smooth" });
    row?.querySelector<HTMLElement>("summary")?.focus({ preventScroll: true });
  }, [chosen]);
  if (error !== null) {
    return (
      <p role="alert">
        {sentenceOf(error)} <Button onClick={again}>Try again</Button>
      </p>
    );
  }
  if (pending) return <p>Reading …</p>;
  return (
    <div className={styles.timeline}>
      <TimeAxis timeline={timeline} onChosen={(at) => setChosen({ at })} />
      <ol ref={list} className={styles.events} aria-label="Events, in the order of the log">
        {timeline.marks.map((mark, n) => (
          <TimelineRow
            key={mark.item.id}
            mark={mark}
            lanes={timeline.lanes}
            cause={mark.cause === null ? undefined : timeline.marks[mark.cause]}
            chosen={chosen?.at === n}
            onCause={() => setChosen(mark.cause === null ? null : { at: mark.cause })}
          />
        ))}
      </ol>
      {more !== null && (
        <p className={styles.more}>
          <Button onClick={more}>Show later events</Button>
        </p>
      )}
    </div>
  );
}
