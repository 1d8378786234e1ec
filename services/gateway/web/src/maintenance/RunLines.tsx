import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type LineKind, type RunLine, runLinesQuery } from "../api/maintenance";
import { SelectField } from "../app/ui/Field";
import { More } from "../app/ui/More";
import { EventById } from "../tasks/EventData";
import { spoken, stepWords } from "../tasks/words";
import styles from "./RunList.module.css";

const KIND_WORDS: Readonly<Record<LineKind, string>> = {
  changed: "Changed",
  refused: "Left alone",
  reported: "To know",
};
const KINDS: readonly LineKind[] = ["changed", "refused", "reported"];

/** The report of a run, line by line; each leads to the event that tells of it. */
export function RunLines({ taskId }: { readonly taskId: string }) {
  const [kind, setKind] = useState<LineKind | null>(null);
  const query = useInfiniteQuery(runLinesQuery(taskId, kind));
  const lines = (query.data?.pages ?? []).flatMap((page) => page.items);
  if (query.isSuccess && lines.length === 0 && kind === null)
    return <p className={styles.quiet}>There is nothing to report.</p>;
  return (
    <div>
      <div className={styles.filter}>
        <SelectField
          label="Report"
          value={kind ?? ""}
          onChange={(event) => setKind(KINDS.find((one) => one === event.target.value) ?? null)}
        >
          <option value="">All of it</option>
          {KINDS.map((one) => (
            <option key={one} value={one}>
              {KIND_WORDS[one]}
            </option>
          ))}
        </SelectField>
      </div>
      <ul className={styles.lines} aria-label="Report">
        {lines.map((line) => (
          <Line key={line.id} line={line} />
        ))}
      </ul>
      <More query={query} of="lines" />
    </div>
  );
}

function Line({ line }: { readonly line: RunLine }) {
  const [open, setOpen] = useState(false);
  const where = [line.project_folder, line.subject].filter((part) => part !== null).join(" / ");
  return (
    <li>
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          <span className={styles.kind}>{KIND_WORDS[line.kind]}</span>
          <span className={styles.code}>
            {spoken(line.code)}
            {line.count > 1 && ` (${line.count.toLocaleString()})`}
          </span>
          <span className={styles.subject}>{where}</span>
          {line.reason !== null && <span className={styles.reason}>{line.reason}</span>}
        </summary>
        {open && (
          <>
            <p className={styles.quiet}>{stepWords(line.job_type)}</p>
            <EventById eventId={line.event_id} />
          </>
        )}
      </details>
    </li>
  );
}
