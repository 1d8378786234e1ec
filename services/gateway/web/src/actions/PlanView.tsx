import { useState } from "react";
import { Button } from "../app/ui/Button";
import { classes } from "../app/ui/classes";
import styles from "./PlanView.module.css";
import { type Pictures, usePictures } from "./pictures";
import { isEmpty, type Plan, type PlanLine, summaryOf } from "./plan";

interface PlanViewProps {
  readonly plan: Plan;
  /** Whether it shows the photos at once. */
  readonly open?: boolean;
  /** Whether the sentence is left out, for something else says it. */
  readonly bare?: boolean;
}

const AT_FIRST = 50;

const RANK: Readonly<Record<PlanLine["outcome"], number>> = { refused: 0, does: 2, nothing: 3 };

function rankOf({ outcome, besides }: PlanLine): number {
  return besides === "renamed" ? 1 : RANK[outcome];
}

/** What an action would do: in a sentence, and photo by photo, first what stands out. */
export function PlanView({ plan, open = false, bare = false }: PlanViewProps) {
  const [most, setMost] = useState(AT_FIRST);
  const lines = plan.lines.toSorted((a, b) => rankOf(a) - rankOf(b));
  const refuses = lines[0]?.outcome === "refused";
  const standsOut = refuses || lines[0]?.besides === "renamed";
  const shown = lines.slice(0, most);
  const pictures = usePictures(shown.map((line) => line.photo_id));
  return (
    <div className={styles.plan}>
      {!bare && (
        <p className={styles.summary}>{isEmpty(plan) && !refuses ? "Nothing would change." : summaryOf(plan)}</p>
      )}
      {lines.length > 0 && (
        <details className={styles.details} open={open || standsOut}>
          <summary>Photo by photo</summary>
          <ul className={styles.lines}>
            {shown.map((line, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a photo may be in several plans, and the list only grows
              <Line key={at} line={line} pictures={pictures} />
            ))}
          </ul>
          {lines.length > most && (
            <Button look="quiet" onClick={() => setMost(most * 4)}>
              Show more of {lines.length.toLocaleString("en")}
            </Button>
          )}
        </details>
      )}
    </div>
  );
}

interface LineProps {
  readonly line: PlanLine;
  readonly pictures: Pictures;
}

function Line({ line, pictures }: LineProps) {
  const { photo_id, filename, project_folder, outcome, words } = line;
  const picture = pictures.get(photo_id);
  return (
    <li className={classes(styles.line, styles[outcome])}>
      {picture === undefined ? (
        <span className={styles.picture} />
      ) : (
        <img className={styles.picture} src={picture} alt="" width={48} height={48} loading="lazy" decoding="async" />
      )}
      <span className={styles.about}>
        <span className={styles.name}>
          {filename ?? `Photo ${photo_id}`}
          {project_folder !== null && <small> in {project_folder}</small>}
        </span>
        <span className={styles.words}>{words}</span>
      </span>
    </li>
  );
}
