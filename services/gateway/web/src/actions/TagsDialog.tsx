import { useState } from "react";
import type { Selection } from "../photos/selection";
import { ChangeDialog } from "./ChangeDialog";
import { recentTags, rememberTags, type TagCount, useTagsOf } from "./knownTags";
import { listed } from "./plan";
import { TagInput } from "./TagInput";
import styles from "./TagsDialog.module.css";
import { selectionInWords } from "./targets";

interface TagsDialogProps {
  readonly selection: Selection;
  readonly onClose: () => void;
}

/** Gives tags to the photos that are selected, and takes tags from them. */
export function TagsDialog({ selection, onClose }: TagsDialogProps) {
  const [add, setAdd] = useState<readonly string[]>([]);
  const [remove, setRemove] = useState<readonly string[]>([]);
  const counts = useTagsOf(selection);
  const present = counts.map(({ tag }) => tag);
  const known = [...new Set([...recentTags(), ...present])];
  return (
    <ChangeDialog
      title={`Tags of ${selectionInWords(selection)}`}
      selection={selection}
      change={{ kind: "tags", add, remove }}
      verb="Change tags"
      words={(photos) => ({
        doing: `Changing tags of ${photos}`,
        done: `${deedOf(add, remove)} ${photos}`,
      })}
      onClose={() => {
        rememberTags(add);
        onClose();
      }}
    >
      <TagInput label="Add" tags={add} known={known} onChange={setAdd} autoFocus />
      <TagInput label="Remove" tags={remove} known={present} onChange={setRemove} />
      <Present counts={counts} chosen={remove} onChosen={(tag) => setRemove([...remove, tag])} />
    </ChangeDialog>
  );
}

interface PresentProps {
  readonly counts: readonly TagCount[];
  readonly chosen: readonly string[];
  readonly onChosen: (tag: string) => void;
}

const MOST_SHOWN = 24;

/** The tags that the photos have, each a button that puts it among those to be removed. */
function Present({ counts, chosen, onChosen }: PresentProps) {
  const left = counts.filter(({ tag }) => !chosen.includes(tag)).slice(0, MOST_SHOWN);
  if (left.length === 0) return null;
  return (
    <ul className={styles.present} aria-label="Tags that they have">
      {left.map(({ tag, count }) => (
        <li key={tag}>
          <button type="button" aria-label={`Remove ${tag}, which ${count} have`} onClick={() => onChosen(tag)}>
            {tag} <small>{count}</small>
          </button>
        </li>
      ))}
    </ul>
  );
}

function deedOf(add: readonly string[], remove: readonly string[]): string {
  const quoted = (tags: readonly string[]) => listed(tags.map((tag) => `“${tag}”`));
  if (remove.length === 0) return `Added ${quoted(add)} to`;
  return add.length === 0 ? `Removed ${quoted(remove)} from` : "Changed tags of";
}
