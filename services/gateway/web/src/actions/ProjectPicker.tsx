import { useQuery } from "@tanstack/react-query";
import { Folder, FolderPlus } from "lucide-react";
import { type KeyboardEvent, useRef, useState } from "react";
import { ApiError, sentenceOf } from "../api/problems";
import { projectsQuery, useCreateProject } from "../api/projects";
import type { Project } from "../api/types";
import { namesLike } from "../app/sidebar/projectNames";
import { say } from "../app/toasts";
import { TextField } from "../app/ui/Field";
import styles from "./ProjectPicker.module.css";
import { recentFirst, recentProjectIds } from "./recentProjects";

interface ProjectPickerProps {
  /** What the projects are for, for those who do not see the list. */
  readonly label?: string;
  readonly onPicked: (project: Project) => void;
}

const LONGEST_NAME = 200;

/** A project of those there are, found by its name, or a new one. Arrows go from the name to the projects. */
export function ProjectPicker({ label = "Projects to move to", onPicked }: ProjectPickerProps) {
  const projects = useQuery(projectsQuery);
  const create = useCreateProject();
  const [wanted, setWanted] = useState("");
  const list = useRef<HTMLUListElement>(null);
  const name = wanted.trim();
  const shown = namesLike(recentFirst(projects.data ?? [], recentProjectIds()), wanted);
  const isNew = name !== "" && !(projects.data ?? []).some((project) => project.name === name);
  const make = () =>
    create.mutate(name, {
      onSuccess: (made) => {
        if (made.name !== name) say(`That name was taken, so it is called “${made.name}”.`);
        onPicked(made);
      },
    });
  const byKeys = (event: KeyboardEvent) => {
    if (event.key !== "Enter" && event.key !== "ArrowDown") return;
    event.preventDefault();
    const first = list.current?.querySelector("button");
    if (event.key === "ArrowDown") first?.focus();
    else if (name !== "") first?.click();
  };
  return (
    <>
      <TextField
        label="Project"
        placeholder="Find one, or name a new one"
        data-autofocus
        autoComplete="off"
        maxLength={LONGEST_NAME}
        value={wanted}
        onChange={(event) => setWanted(event.target.value)}
        onKeyDown={byKeys}
        error={create.error === null ? undefined : whyNot(create.error)}
      />
      <ul ref={list} className={styles.projects} aria-label={label} onKeyDown={moveByArrows}>
        {shown.map((project) => (
          <li key={project.id}>
            <button type="button" className={styles.project} onClick={() => onPicked(project)}>
              <Folder aria-hidden />
              <span>{project.name}</span>
              <small>{project.photos.toLocaleString("en")}</small>
            </button>
          </li>
        ))}
        {isNew && (
          <li>
            <button type="button" className={styles.project} disabled={create.isPending} onClick={make}>
              <FolderPlus aria-hidden />
              <span>Make “{name}”</span>
            </button>
          </li>
        )}
      </ul>
    </>
  );
}

function moveByArrows(event: KeyboardEvent<HTMLUListElement>): void {
  const buttons = [...event.currentTarget.querySelectorAll("button")];
  const at = buttons.findIndex((button) => button.matches(":focus"));
  const next = event.key === "ArrowDown" ? buttons[at + 1] : event.key === "ArrowUp" ? buttons[at - 1] : undefined;
  if (next === undefined) return;
  event.preventDefault();
  next.focus();
}

function whyNot(error: Error): string {
  return (error instanceof ApiError ? error.at("name") : undefined) ?? sentenceOf(error);
}
