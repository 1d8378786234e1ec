import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useId, useState } from "react";
import { ApiError, sentenceOf } from "../../api/problems";
import { useCreateProject, useRenameProject } from "../../api/projects";
import type { Project } from "../../api/types";
import { say } from "../toasts";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { TextField } from "../ui/Field";

const LONGEST_NAME = 200;

interface NewProjectDialogProps {
  readonly onClose: () => void;
}

/** Asks for a name, makes the project and leads there. */
export function NewProjectDialog({ onClose }: NewProjectDialogProps) {
  const navigate = useNavigate();
  const create = useCreateProject();
  const make = (name: string) =>
    create.mutate(name, {
      onSuccess: (made) => {
        onClose();
        if (made.name !== name) say(`That name was taken, so it is called “${made.name}”.`);
        void navigate({ to: "/projects/$folder", params: { folder: made.folder } });
      },
    });
  return (
    <NameDialog
      title="New project"
      button="Create"
      first=""
      error={create.error}
      busy={create.isPending}
      onNamed={make}
      onClose={onClose}
    />
  );
}

interface RenameProjectDialogProps {
  readonly project: Project;
  readonly onClose: () => void;
}

export function RenameProjectDialog({ project, onClose }: RenameProjectDialogProps) {
  const rename = useRenameProject();
  const change = (name: string) =>
    rename.mutate(
      { folder: project.folder, name },
      {
        onSuccess: (renamed) => {
          onClose();
          if (renamed.name !== name) say(`That name was taken, so it is called “${renamed.name}”.`);
        },
      },
    );
  return (
    <NameDialog
      title={`Rename “${project.name}”`}
      button="Rename"
      first={project.name}
      error={rename.error}
      busy={rename.isPending}
      onNamed={change}
      onClose={onClose}
    />
  );
}

interface NameDialogProps {
  readonly title: string;
  readonly button: string;
  readonly first: string;
  readonly error: Error | null;
  readonly busy: boolean;
  readonly onNamed: (name: string) => void;
  readonly onClose: () => void;
}

function NameDialog({ title, button, first, error, busy, onNamed, onClose }: NameDialogProps) {
  const [name, setName] = useState(first);
  const form = useId();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const given = name.trim();
    if (given === first) onClose();
    else if (given !== "" && !busy) onNamed(given);
  };
  return (
    <Dialog
      title={title}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form={form} look="primary" busy={busy}>
            {button}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit}>
        <TextField
          label="Name"
          data-autofocus
          required
          maxLength={LONGEST_NAME}
          autoComplete="off"
          value={name}
          onChange={(event) => setName(event.target.value)}
          onFocus={(event) => event.target.select()}
          error={error === null ? undefined : whyNot(error)}
        />
      </form>
    </Dialog>
  );
}

function whyNot(error: Error): string {
  const field = error instanceof ApiError ? (error.at("name") ?? error.at("new_name")) : undefined;
  return field ?? sentenceOf(error);
}
