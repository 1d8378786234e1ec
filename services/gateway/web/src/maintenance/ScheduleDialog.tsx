import { type FormEvent, useId, useState } from "react";
import { type Schedule, type ScheduleChange, useChangeSchedule } from "../api/maintenance";
import { ApiError, sentenceOf } from "../api/problems";
import { Button } from "../app/ui/Button";
import { Dialog } from "../app/ui/Dialog";
import { SelectField, TextField } from "../app/ui/Field";
import { useDefinitions } from "../tasks/useTasks";
import { spoken } from "../tasks/words";
import { cronWords } from "./cron";
import { inUnits, UNIT_NAMES, UNITS, type Unit } from "./interval";
import styles from "./ScheduleDialog.module.css";

interface ScheduleDialogProps {
  readonly schedule: Schedule;
  readonly onClose: () => void;
}

interface Draft {
  readonly by: "interval" | "cron";
  readonly count: string;
  readonly unit: Unit;
  readonly cron: string;
}

/** Asks when a task is to begin by itself. */
export function ScheduleDialog({ schedule, onClose }: ScheduleDialogProps) {
  const title = useDefinitions().get(schedule.task_type)?.label ?? spoken(schedule.task_type);
  const form = useId();
  const change = useChangeSchedule();
  const [draft, setDraft] = useState<Draft>(() => draftOf(schedule));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const wanted = changeOf(draft);
    if (wanted !== null) change.mutate({ name: schedule.name, change: wanted }, { onSuccess: onClose });
  };
  return (
    <Dialog
      title={title}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form={form} look="primary" busy={change.isPending}>
            Save
          </Button>
        </>
      }
    >
      <form id={form} className={styles.form} onSubmit={submit}>
        <SelectField
          label="It comes"
          data-autofocus
          value={draft.by}
          onChange={(event) => setDraft({ ...draft, by: event.target.value === "cron" ? "cron" : "interval" })}
        >
          <option value="interval">again and again</option>
          <option value="cron">at certain times</option>
        </SelectField>
        {draft.by === "interval" ? (
          <Interval draft={draft} onChange={setDraft} error={change.error} />
        ) : (
          <Cron draft={draft} onChange={setDraft} error={change.error} />
        )}
        <p className={styles.note}>The new timing counts from now.</p>
      </form>
    </Dialog>
  );
}

function draftOf({ every_seconds: every, cron }: Schedule): Draft {
  const { count, unit } = inUnits(every ?? 3600);
  return { by: every === null ? "cron" : "interval", count: String(count), unit, cron: cron ?? "0 0 3 * * *" };
}

function changeOf(draft: Draft): ScheduleChange | null {
  if (draft.by === "cron") return { cron: draft.cron.trim() };
  const seconds = Math.round(Number(draft.count) * UNITS[draft.unit]);
  return seconds > 0 ? { every_seconds: seconds } : null;
}

interface PartProps {
  readonly draft: Draft;
  readonly onChange: (draft: Draft) => void;
  readonly error: Error | null;
}

function Interval({ draft, onChange, error }: PartProps) {
  return (
    <div className={styles.interval}>
      <TextField
        label="Every"
        type="number"
        min="1"
        required
        value={draft.count}
        onChange={(event) => onChange({ ...draft, count: event.target.value })}
        error={whyNot(error, "every_seconds")}
      />
      <SelectField
        label="Unit"
        value={draft.unit}
        onChange={(event) =>
          onChange({ ...draft, unit: UNIT_NAMES.find((unit) => unit === event.target.value) ?? draft.unit })
        }
      >
        {UNIT_NAMES.map((unit) => (
          <option key={unit} value={unit}>
            {unit}
          </option>
        ))}
      </SelectField>
    </div>
  );
}

function Cron({ draft, onChange, error }: PartProps) {
  return (
    <TextField
      label="Times"
      required
      autoComplete="off"
      spellCheck={false}
      className={styles.cron}
      value={draft.cron}
      onChange={(event) => onChange({ ...draft, cron: event.target.value })}
      error={whyNot(error, "cron")}
      hint={
        <>
          <strong>{cronWords(draft.cron)}.</strong> Six fields: second, minute, hour, day of the month, month, day of
          the week from Sunday, which is 0. Times are in UTC.
        </>
      }
    />
  );
}

function whyNot(error: Error | null, field: string): string | undefined {
  if (error === null) return undefined;
  return (error instanceof ApiError ? error.at(field) : undefined) ?? sentenceOf(error);
}
