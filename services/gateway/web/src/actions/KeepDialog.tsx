import { useState } from "react";
import type { Selection } from "../photos/selection";
import { ChangeDialog } from "./ChangeDialog";
import type { Keep } from "./changes";
import styles from "./KeepDialog.module.css";
import { selectionInWords } from "./targets";

type Flag = keyof Keep;

interface KeepDialogProps {
  readonly selection: Selection;
  readonly onClose: () => void;
}

const KINDS: readonly { readonly flag: Flag; readonly name: string }[] = [
  { flag: "keep_jpg", name: "JPEG files" },
  { flag: "keep_raw", name: "RAW files" },
  { flag: "keep_other", name: "Other files" },
];

/** Says by kind what is kept of the photos that are selected, and what the next commit removes. */
export function KeepDialog({ selection, onClose }: KeepDialogProps) {
  const [keep, setKeep] = useState<Keep>({});
  return (
    <ChangeDialog
      title={`What to keep of ${selectionInWords(selection)}`}
      selection={selection}
      change={{ kind: "keep", keep }}
      verb="Mark"
      words={(photos) => ({ doing: `Marking ${photos}`, done: `Marked ${photos}` })}
      onClose={onClose}
    >
      <div className={styles.kinds}>
        {KINDS.map(({ flag, name }) => (
          <Kind key={flag} name={name} value={keep[flag]} onChange={(value) => setKeep(withFlag(keep, flag, value))} />
        ))}
      </div>
      <p className={styles.hint}>Files that are marked for removal stay where they are until you remove them.</p>
    </ChangeDialog>
  );
}

interface KindProps {
  readonly name: string;
  readonly value: boolean | undefined;
  readonly onChange: (value: boolean | undefined) => void;
}

const CHOICES = [
  { label: "As it is", value: undefined },
  { label: "Keep", value: true },
  { label: "Remove", value: false },
] as const;

function Kind({ name, value, onChange }: KindProps) {
  return (
    <fieldset className={styles.kind}>
      <legend>{name}</legend>
      {CHOICES.map((choice) => (
        <label key={choice.label} className={styles.choice}>
          <input type="radio" name={name} checked={value === choice.value} onChange={() => onChange(choice.value)} />
          <span>{choice.label}</span>
        </label>
      ))}
    </fieldset>
  );
}

function withFlag(keep: Keep, flag: Flag, value: boolean | undefined): Keep {
  const { [flag]: _, ...others } = keep;
  return value === undefined ? others : { ...others, [flag]: value };
}
