import { CornerLeftUp } from "lucide-react";
import { useState } from "react";
import { classes } from "../app/ui/classes";
import { EventData } from "./EventData";
import styles from "./Timeline.module.css";
import type { Mark } from "./timeline";
import { durationWords, fullTime, timeWithSeconds } from "./times";

/** Between lanes, and from the top of a row to its dot, in pixels. */
const LANE = 14;
const DOT = 19;

/** Jobs beyond these share the last line. */
const MOST_LANES = 6;

interface TimelineRowProps {
  readonly mark: Mark;
  readonly lanes: number;
  readonly cause: Mark | undefined;
  readonly chosen: boolean;
  readonly onCause: () => void;
}

export function TimelineRow({ mark, lanes, cause, chosen, onCause }: TimelineRowProps) {
  const [open, setOpen] = useState(false);
  const { item } = mark;
  return (
    <li className={classes(styles.event, chosen && styles.chosen)}>
      <time className={styles.time} dateTime={item.time} title={fullTime(item.time)}>
        {timeWithSeconds(item.time)}
        <span>+{durationWords(mark.since)}</span>
      </time>
      <Rail mark={mark} lanes={lanes} cause={cause} />
      <div className={styles.said}>
        <details onToggle={(event) => setOpen(event.currentTarget.open)}>
          <summary>{item.summary}</summary>
          {open && <EventData item={item} />}
          {open && !mark.leads && <Cause cause={cause} onCause={onCause} />}
        </details>
        {mark.leads && <Cause cause={cause} onCause={onCause} />}
      </div>
    </li>
  );
}

/** What led to an event, and the way there. */
function Cause({ cause, onCause }: Pick<TimelineRowProps, "cause" | "onCause">) {
  if (cause === undefined) return null;
  return (
    <button type="button" className={styles.cause} onClick={onCause}>
      <CornerLeftUp aria-hidden />
      <span className="heard">Because of: </span>
      {cause.item.summary}
    </button>
  );
}

/** The lines of the task and of its jobs beside an event, and the line that leads to it from its cause. */
function Rail({ mark, lanes, cause }: Pick<TimelineRowProps, "mark" | "lanes" | "cause">) {
  const shown = Math.min(lanes, MOST_LANES);
  const x = (lane: number) => 8 + Math.min(lane, shown - 1) * LANE;
  const from = cause?.lane ?? mark.lane;
  const passing = new Set([...mark.above, ...mark.below]);
  return (
    <div className={styles.rail} style={{ width: 16 + (shown - 1) * LANE }} aria-hidden="true">
      {[...passing].map((lane) => (
        <div
          key={lane}
          className={classes(styles.line, lane === 0 && styles.taskLine)}
          style={{
            left: x(lane) - 1,
            top: mark.above.includes(lane) ? 0 : DOT,
            ...(mark.below.includes(lane) ? { bottom: 0 } : { height: mark.above.includes(lane) ? DOT : 0 }),
          }}
        />
      ))}
      {from !== mark.lane && (
        <svg aria-hidden="true" className={styles.branch} width={16 + (shown - 1) * LANE} height={DOT}>
          <path d={`M ${x(from)} 0 C ${x(from)} ${DOT} ${x(mark.lane)} 0 ${x(mark.lane)} ${DOT}`} />
        </svg>
      )}
      <div className={classes(styles.node, styles[mark.kind])} style={{ left: x(mark.lane), top: DOT }} />
    </div>
  );
}
