import { Check, Copy } from "lucide-react";
import { type FormEvent, useId, useState } from "react";
import { ApiError, sentenceOf } from "../api/problems";
import { type CreatedToken, useCreateToken } from "../api/tokens";
import type { Role } from "../api/types";
import { Button } from "../app/ui/Button";
import { Dialog } from "../app/ui/Dialog";
import { SelectField, TextField } from "../app/ui/Field";
import styles from "./AccessPage.module.css";
import { ROLE_WORDS, ROLES } from "./roles";

interface NewTokenDialogProps {
  readonly onClose: () => void;
}

const LONGEST_NAME = 100;

/** Makes a token, and shows its secret once. */
export function NewTokenDialog({ onClose }: NewTokenDialogProps) {
  const create = useCreateToken();
  const form = useId();
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("editor");
  if (create.data !== undefined) return <Secret made={create.data} onClose={onClose} />;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim() !== "" && !create.isPending) create.mutate({ name: name.trim(), role });
  };
  return (
    <Dialog
      title="New token"
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form={form} look="primary" busy={create.isPending}>
            Create
          </Button>
        </>
      }
    >
      <form id={form} className={styles.form} onSubmit={submit}>
        <TextField
          label="Name"
          data-autofocus
          required
          maxLength={LONGEST_NAME}
          autoComplete="off"
          value={name}
          onChange={(event) => setName(event.target.value)}
          error={create.error === null ? undefined : whyNot(create.error)}
          hint="Who or what uses it, such as “phone” or “Anna”."
        />
        <SelectField
          label="Role"
          value={role}
          onChange={(event) => setRole(ROLES.find((one) => one === event.target.value) ?? role)}
        >
          {ROLES.map((one) => (
            <option key={one} value={one}>
              {ROLE_WORDS[one]}
            </option>
          ))}
        </SelectField>
      </form>
    </Dialog>
  );
}

function whyNot(error: Error): string {
  return (error instanceof ApiError ? error.at("name") : undefined) ?? sentenceOf(error);
}

function Secret({ made, onClose }: { readonly made: CreatedToken; readonly onClose: () => void }) {
  const [copied, setCopied] = useState(false);
  const [choose, setChoose] = useState(false);
  const copy = () => {
    copyText(made.token).then(
      () => setCopied(true),
      () => setChoose(true),
    );
  };
  return (
    <Dialog
      title={`The token “${made.name}”`}
      onClose={onClose}
      actions={
        <Button look="primary" onClick={onClose}>
          Done
        </Button>
      }
    >
      <p>Copy it now. It is shown this once, and is kept nowhere.</p>
      <div className={styles.secret}>
        <code>{made.token}</code>
        <Button icon={copied ? <Check aria-hidden /> : <Copy aria-hidden />} data-autofocus onClick={copy}>
          {copied ? "Copied" : "Copy"}
        </Button>
      </div>
      <p role="status" className={styles.note}>
        {copied && "It is in the clipboard."}
        {choose && "This browser does not let it be copied for you: choose the text and copy it."}
      </p>
    </Dialog>
  );
}

/** Only where the page came by HTTPS, or from this machine, is there a clipboard. */
async function copyText(text: string): Promise<void> {
  if (!("clipboard" in navigator)) throw new Error("There is no clipboard.");
  await navigator.clipboard.writeText(text);
}
