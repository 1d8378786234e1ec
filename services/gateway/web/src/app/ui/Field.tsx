import { type ComponentProps, type ReactNode, useId } from "react";
import { classes } from "./classes";
import styles from "./Field.module.css";

interface About {
  readonly label: string;
  /** What helps to fill it in. */
  readonly hint?: ReactNode;
  /** What is wrong with it; a problem's `at(field)` fits. */
  readonly error?: string | undefined;
}

type TextFieldProps = About & Omit<ComponentProps<"input">, "id">;

/** One line of text with its label above it. */
export function TextField({ label, hint, error, className, ...rest }: TextFieldProps) {
  const id = useId();
  return (
    <Labelled id={id} label={label} hint={hint} error={error}>
      <input
        {...rest}
        id={id}
        className={classes(styles.control, className)}
        aria-invalid={error !== undefined || undefined}
        aria-describedby={describedBy(id, hint, error)}
      />
    </Labelled>
  );
}

type SelectFieldProps = About & Omit<ComponentProps<"select">, "id">;

/** A choice of few. */
export function SelectField({ label, hint, error, className, children, ...rest }: SelectFieldProps) {
  const id = useId();
  return (
    <Labelled id={id} label={label} hint={hint} error={error}>
      <select
        {...rest}
        id={id}
        className={classes(styles.control, className)}
        aria-invalid={error !== undefined || undefined}
        aria-describedby={describedBy(id, hint, error)}
      >
        {children}
      </select>
    </Labelled>
  );
}

type CheckboxProps = { readonly label: ReactNode } & Omit<ComponentProps<"input">, "type">;

export function Checkbox({ label, className, ...rest }: CheckboxProps) {
  return (
    <label className={classes(styles.checkbox, className)}>
      <input {...rest} type="checkbox" />
      <span>{label}</span>
    </label>
  );
}

function Labelled({ id, label, hint, error, children }: About & { readonly id: string; readonly children: ReactNode }) {
  return (
    <div className={styles.field}>
      <label htmlFor={id}>{label}</label>
      {children}
      {error !== undefined && (
        <p id={`${id}-error`} className={styles.error} role="alert">
          {error}
        </p>
      )}
      {hint !== undefined && (
        <p id={`${id}-hint`} className={styles.hint}>
          {hint}
        </p>
      )}
    </div>
  );
}

function describedBy(id: string, hint: ReactNode, error: string | undefined): string | undefined {
  return classes(error !== undefined && `${id}-error`, hint !== undefined && `${id}-hint`) || undefined;
}
