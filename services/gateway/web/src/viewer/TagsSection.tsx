import { X } from "lucide-react";
import { type FormEvent, useId, useState } from "react";
import { recentTags, rememberTags } from "../actions/knownTags";
import { ApiError, sentenceOf } from "../api/problems";
import { useCan } from "../api/session";
import type { Schemas } from "../api/types";
import styles from "./Panel.module.css";
import { useSaying } from "./useSaying";

export const TAG_FIELD = "viewer-tag";

const LONGEST = 100;

/** The tags of a photo; those who may give it others and take these away. */
export function TagsSection({ photo }: { readonly photo: Schemas["PhotoDetail"] }) {
  const can = useCan();
  const { tags } = useSaying(photo.id);
  const mine = can("editor");
  if (!mine && photo.tags.length === 0) return null;
  return (
    <section className={styles.section}>
      <h3>Tags</h3>
      {photo.tags.length > 0 && (
        <ul className={styles.tags} aria-label="Tags of this photo">
          {photo.tags.map((tag) => (
            <li key={tag} className={styles.tag}>
              <span>{tag}</span>
              {mine && (
                <button
                  type="button"
                  aria-label={`Remove the tag ${tag}`}
                  onClick={() => tags.mutate({ remove: [tag] })}
                >
                  <X aria-hidden />
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
      {mine && <NewTag known={photo.tags} error={tags.error} onNamed={(add) => tags.mutate({ add })} />}
    </section>
  );
}

interface NewTagProps {
  readonly known: readonly string[];
  readonly error: Error | null;
  readonly onNamed: (tags: readonly string[]) => void;
}

function NewTag({ known, error, onNamed }: NewTagProps) {
  const id = useId();
  const [text, setText] = useState("");
  const offered = recentTags().filter((tag) => !known.includes(tag));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const given = text.split(",").flatMap((one) => one.trim() || []);
    if (given.length === 0) return;
    rememberTags(given);
    onNamed(given);
    setText("");
  };
  const said = error === null ? null : (tagProblem(error) ?? sentenceOf(error));
  return (
    <form onSubmit={submit} className={styles.newTag}>
      <input
        id={TAG_FIELD}
        aria-label="Add a tag"
        placeholder="Add a tag"
        list={`${id}-known`}
        maxLength={LONGEST}
        autoComplete="off"
        enterKeyHint="done"
        value={text}
        aria-invalid={said !== null || undefined}
        aria-describedby={said === null ? undefined : `${id}-error`}
        onChange={({ target }) => setText(target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          event.stopPropagation();
          event.currentTarget.blur(); // keys are for the photo again
        }}
      />
      <datalist id={`${id}-known`}>
        {offered.map((tag) => (
          <option key={tag} value={tag} />
        ))}
      </datalist>
      {said !== null && (
        <p id={`${id}-error`} className={styles.error} role="alert">
          {said}
        </p>
      )}
    </form>
  );
}

/** A problem names a tag by its place: `items.0.tags.0`. */
function tagProblem(error: unknown): string | undefined {
  if (!(error instanceof ApiError)) return undefined;
  return error.fields.find(({ field }) => field.includes("tags"))?.message;
}
