import { CircleHelp } from "lucide-react";
import { useState } from "react";
import type { Confirmation, ConfirmationAnswer } from "../api/maintenance";
import { sentenceOf } from "../api/problems";
import { useCan } from "../api/session";
import { Button } from "../app/ui/Button";
import { Section } from "../app/ui/Page";
import { fullTime, whenWords } from "../tasks/times";
import { ConfirmationDialog } from "./ConfirmationDialog";
import styles from "./Confirmations.module.css";
import { useOpenConfirmations } from "./useOpenConfirmations";

interface Asked {
  readonly confirmation: Confirmation;
  readonly answer: ConfirmationAnswer | null;
}

/** What waits for an answer; nothing while nothing does. */
export function Confirmations({ now }: { readonly now: number }) {
  const { data = [], error } = useOpenConfirmations();
  const [asked, setAsked] = useState<Asked | null>(null);
  if (error !== null) return <p role="alert">{sentenceOf(error)}</p>;
  return (
    <>
      {data.length > 0 && (
        <Section
          title="Waits for an answer"
          lead="More is gone than usual. Nothing is removed before somebody has said that it may be."
        >
          <ul className={styles.questions}>
            {data.map((one) => (
              <Question
                key={one.id}
                confirmation={one}
                now={now}
                onAsked={(answer) => setAsked({ confirmation: one, answer })}
              />
            ))}
          </ul>
        </Section>
      )}
      {asked !== null && <ConfirmationDialog {...asked} onClose={() => setAsked(null)} />}
    </>
  );
}

interface QuestionProps {
  readonly confirmation: Confirmation;
  readonly now: number;
  readonly onAsked: (answer: ConfirmationAnswer | null) => void;
}

function Question({ confirmation, now, onAsked }: QuestionProps) {
  const can = useCan();
  const { reason, requested_at: asked, project_folder: folder } = confirmation;
  return (
    <li className={styles.question} aria-label={folder ?? "Whole projects"}>
      <CircleHelp aria-hidden />
      <div className={styles.said}>
        <h3>{folder ?? "Whole projects"}</h3>
        <p>{reason}</p>
        <p className={styles.quiet}>
          <time dateTime={asked} title={fullTime(asked)}>
            Asked {whenWords(asked, now)}
          </time>
          {!can("admin") && " · an admin answers"}
        </p>
        <div className={styles.answers}>
          <Button onClick={() => onAsked(null)}>Show the photos</Button>
          {can("admin") && (
            <>
              <Button onClick={() => onAsked("refuse")}>Keep them</Button>
              <Button onClick={() => onAsked("confirm")}>They are gone</Button>
            </>
          )}
        </div>
      </div>
    </li>
  );
}
