import { X } from "lucide-react";
import { type KeyboardEvent, useId, useState } from "react";
import styles from "./TagInput.module.css";

interface TagInputProps {
  readonly label: string;
  readonly tags: readonly string[];
  readonly onChange: (tags: readonly string[]) => void;
  /** Tags that may be meant, offered while one is typed. */
  readonly known: readonly string[];
  readonly error?: string | undefined;
  readonly autoFocus?: boolean;
}

const LONGEST = 100;

/** Tags, typed one after the other: Enter or a comma ends one, Backspace takes the last one away. */
export function TagInput({ label, tags, onChange, known, error, autoFocus = false }: TagInputProps) {
  const id = useId();
  const [text, setText] = useState("");
  const add = (typed: string) => {
    const given = typed.split(",").flatMap((one) => one.trim() || []);
    setText("");
    if (given.length > 0) onChange([...new Set([...tags, ...given])]);
  };
  const byKeys = (event: KeyboardEvent) => {
    if (event.key === "Enter" && text.trim() !== "") {
      event.preventDefault();
      add(text);
    } else if (event.key === "Backspace" && text === "" && tags.length > 0) onChange(tags.slice(0, -1));
  };
  const offered = known.filter((tag) => !tags.includes(tag));
  return (
    <div className={styles.field}>
      <label htmlFor={id}>{label}</label>
      <div className={styles.box} data-wrong={error !== undefined || undefined}>
        {tags.map((tag) => (
          <span key={tag} className={styles.tag}>
            {tag}
            <button type="button" aria-label={`Not ${tag}`} onClick={() => onChange(tags.filter((one) => one !== tag))}>
              <X aria-hidden />
            </button>
          </span>
        ))}
        <input
          id={id}
          value={text}
          list={`${id}-known`}
          maxLength={LONGEST}
          autoComplete="off"
          data-autofocus={autoFocus || undefined}
          aria-invalid={error !== undefined || undefined}
          aria-describedby={error === undefined ? undefined : `${id}-error`}
          onChange={({ target }) => (isChosen(target.value, offered, text) ? add(target.value) : setText(target.value))}
          onKeyDown={byKeys}
          onBlur={() => add(text)}
        />
        <datalist id={`${id}-known`}>
          {offered.map((tag) => (
            <option key={tag} value={tag} />
          ))}
        </datalist>
      </div>
      {error !== undefined && (
        <p id={`${id}-error`} className={styles.error} role="alert">
          {error}
        </p>
      )}
    </div>
  );
}

/** Whether a text is not typed to its end but chosen from those offered, or a comma says that the tag ends. */
function isChosen(text: string, offered: readonly string[], before: string): boolean {
  return text.endsWith(",") || (offered.includes(text) && Math.abs(text.length - before.length) > 1);
}
