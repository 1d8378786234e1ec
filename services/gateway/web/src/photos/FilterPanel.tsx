import { useQuery } from "@tanstack/react-query";
import { X } from "lucide-react";
import { useLayoutEffect, useRef, useState } from "react";
import { projectsQuery } from "../api/projects";
import { byName } from "../app/sidebar/projectNames";
import { Button } from "../app/ui/Button";
import { Checkbox, SelectField, TextField } from "../app/ui/Field";
import type { ViewSearch } from "../view/search";
import { useChangeView, useView, type ViewChange } from "../view/useView";
import { isFiltered } from "../view/view";
import styles from "./FilterPanel.module.css";
import {
  FILE_TYPE_WORDS,
  KEEP_TYPE_WORDS,
  NO_FILTERS,
  ORIENTATION_WORDS,
  PENDING_WORDS,
  STATUS_WORDS,
} from "./filterWords";

interface FilterPanelProps {
  readonly projectFilter: string | null;
  /** It is there, so that its size is known. */
  readonly onReady: () => void;
  readonly onClose: () => void;
}

/** All filters of photos; each works as soon as it is set. */
export function FilterPanel({ projectFilter, onReady, onClose }: FilterPanelProps) {
  const view = useView();
  const change = useChangeView();
  const form = useRef<HTMLDivElement>(null);
  const set = (some: ViewChange) => change(some, { replace: isFiltered(view) });
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when it opens
  useLayoutEffect(() => {
    onReady();
    form.current?.querySelector<HTMLElement>("input, select")?.focus();
  }, []);
  const { search } = view;
  return (
    <div ref={form} className={styles.panel}>
      <TagsField tags={search.tags ?? []} onTags={(tags) => set({ tags })} />
      <div className={styles.pair}>
        <DateField
          label="From"
          value={search.date_from}
          max={search.date_to}
          onDate={(date_from) => set({ date_from })}
        />
        <DateField label="Until" value={search.date_to} min={search.date_from} onDate={(date_to) => set({ date_to })} />
      </div>
      <div className={styles.pair}>
        <Choice label="Files" name="file_type" words={FILE_TYPE_WORDS} search={search} onChoice={set} />
        <Choice label="Shape" name="orientation" words={ORIENTATION_WORDS} search={search} onChoice={set} />
        <Choice label="Kept" name="keep_type" words={KEEP_TYPE_WORDS} search={search} onChoice={set} />
        <Choice label="To be removed" name="pending_deletion" words={PENDING_WORDS} search={search} onChoice={set} />
      </div>
      <Choice label="Thumbnails" name="status" words={STATUS_WORDS} search={search} onChoice={set} />
      {projectFilter === null && <ProjectsField folders={search.project_folders ?? []} onFolders={set} />}
      <div className={styles.foot}>
        {isFiltered(view) && (
          <Button look="quiet" onClick={() => change(NO_FILTERS)}>
            Clear all
          </Button>
        )}
        <Button look="primary" onClick={onClose}>
          Done
        </Button>
      </div>
    </div>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly name: keyof ViewSearch;
  readonly words: Readonly<Record<string, string>>;
  readonly search: ViewSearch;
  readonly onChoice: (change: ViewChange) => void;
}

/** One of few words, or any. The address checks what is chosen, as it does for what is typed into it. */
function Choice({ label, name, words, search, onChoice }: ChoiceProps) {
  const value = search[name];
  return (
    <SelectField
      label={label}
      value={value === undefined ? "" : String(value)}
      onChange={({ target }) => onChoice({ [name]: target.value === "" ? undefined : target.value })}
    >
      <option value="">Any</option>
      {Object.entries(words).map(([word, shown]) => (
        <option key={word} value={word}>
          {shown}
        </option>
      ))}
    </SelectField>
  );
}

interface DateFieldProps {
  readonly label: string;
  readonly value: string | undefined;
  readonly min?: string | undefined;
  readonly max?: string | undefined;
  readonly onDate: (date: string | undefined) => void;
}

function DateField({ label, value, min, max, onDate }: DateFieldProps) {
  return (
    <TextField
      label={label}
      type="date"
      value={value ?? ""}
      min={min}
      max={max}
      onChange={({ target }) => onDate(target.value === "" ? undefined : target.value)}
    />
  );
}

interface TagsFieldProps {
  readonly tags: readonly string[];
  readonly onTags: (tags: readonly string[] | undefined) => void;
}

/** Tags that a photo has all of. */
function TagsField({ tags, onTags }: TagsFieldProps) {
  const [typed, setTyped] = useState("");
  const add = () => {
    const tag = typed.trim().replace(/^#/, "");
    if (tag !== "" && !tags.includes(tag)) onTags([...tags, tag]);
    setTyped("");
  };
  const without = (tag: string) => {
    const left = tags.filter((one) => one !== tag);
    onTags(left.length > 0 ? left : undefined);
  };
  return (
    <div>
      <TextField
        label="Tags"
        placeholder="Add a tag"
        maxLength={100}
        value={typed}
        onChange={({ target }) => setTyped(target.value)}
        onBlur={add}
        onKeyDown={(event) => {
          if (event.key !== "Enter" && event.key !== ",") return;
          event.preventDefault();
          add();
        }}
      />
      {tags.length > 0 && (
        <ul className={styles.tags} aria-label="Tags that are asked for">
          {tags.map((tag) => (
            <li key={tag}>
              {tag}
              <button type="button" aria-label={`Without the tag ${tag}`} onClick={() => without(tag)}>
                <X aria-hidden />
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

interface ProjectsFieldProps {
  readonly folders: readonly string[];
  readonly onFolders: (change: ViewChange) => void;
}

/** Projects whose photos are shown; none chosen means all. */
function ProjectsField({ folders, onFolders }: ProjectsFieldProps) {
  const { data: projects = [] } = useQuery(projectsQuery);
  if (projects.length < 2) return null;
  const choose = (folder: string, chosen: boolean) => {
    const now = chosen ? [...folders, folder] : folders.filter((one) => one !== folder);
    onFolders({ project_folders: now.length > 0 ? now : undefined });
  };
  return (
    <fieldset className={styles.projects}>
      <legend>Projects</legend>
      <div>
        {projects.toSorted(byName).map(({ id, folder, name }) => (
          <Checkbox
            key={id}
            label={name}
            checked={folders.includes(folder)}
            onChange={({ target }) => choose(folder, target.checked)}
          />
        ))}
      </div>
    </fieldset>
  );
}
