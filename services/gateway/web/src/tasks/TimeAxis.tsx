import type { MouseEvent } from "react";
import { classes } from "../app/ui/classes";
import styles from "./Timeline.module.css";
import type { Mark, Timeline } from "./timeline";
import { durationWords } from "./times";
import { stepWords } from "./words";

/** Heights in the drawing, in pixels. */
const LANE = 14;
const TOP = 10;

const MOST_LANES = 12;

interface TimeAxisProps {
  readonly timeline: Timeline;
  readonly onChosen: (mark: number) => void;
}

/** The whole task at a glance: a line for the task, one for each job beside others, a dot for each event. For the eye alone; the list says the same. */
export function TimeAxis({ timeline: { marks, spans, ticks, lanes, lasted }, onChosen }: TimeAxisProps) {
  const shown = Math.min(lanes, MOST_LANES);
  const top = (lane: number) => TOP + Math.min(lane, shown - 1) * LANE;
  return (
    <div className={styles.axis} aria-hidden="true">
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: a short cut of the pointer; keys go through the list */}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the same */}
      <div
        className={styles.lanes}
        onClick={(event) => onChosen(nearest(marks, placeOf(event)))}
        style={{ height: TOP * 2 + shown * LANE }}
      >
        {ticks.map((tick) => (
          <div key={tick.seconds} className={styles.tick} style={{ left: percent(tick.along) }} />
        ))}
        <div className={styles.taskSpan} style={{ left: 0, right: 0, top: top(0) }} />
        {spans.map((span) => (
          <div key={span.job}>
            <div
              className={styles.queuedSpan}
              style={{
                left: percent(span.queued),
                right: percent(1 - (span.started ?? span.ended ?? 1)),
                top: top(span.lane),
              }}
            />
            {span.started !== null && (
              <div
                className={styles.jobSpan}
                title={stepWords(span.type)}
                style={{ left: percent(span.started), right: percent(1 - (span.ended ?? 1)), top: top(span.lane) }}
              />
            )}
          </div>
        ))}
        {marks.map((mark) => (
          <div
            key={mark.item.id}
            className={classes(styles.dot, styles[mark.kind])}
            title={mark.item.summary}
            style={{ left: percent(mark.along), top: top(mark.lane) }}
          />
        ))}
      </div>
      <div className={styles.ticks}>
        {ticks.map((tick) => (
          <span key={tick.seconds} style={{ left: percent(tick.along) }}>
            {tick.seconds === 0 ? "0" : durationWords(tick.seconds)}
          </span>
        ))}
        {lasted > 0 && <span className={styles.lasted}>{durationWords(lasted)}</span>}
      </div>
    </div>
  );
}

function placeOf({ currentTarget, clientX }: MouseEvent<HTMLElement>): number {
  const { left, width } = currentTarget.getBoundingClientRect();
  return width > 0 ? (clientX - left) / width : 0;
}

/** The event that stands nearest to a place along the axis. */
function nearest(marks: readonly Mark[], along: number): number {
  const far = marks.map((mark) => Math.abs(mark.along - along));
  return far.indexOf(Math.min(...far));
}

function percent(part: number): string {
  return `${(part * 100).toFixed(3)}%`;
}
