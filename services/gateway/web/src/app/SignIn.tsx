import { type FormEvent, useState } from "react";
import { ApiError, sentenceOf } from "../api/problems";
import { useSignIn } from "../api/session";
import { Mark } from "./Mark";
import styles from "./SignIn.module.css";
import { Button } from "./ui/Button";
import { TextField } from "./ui/Field";

/** Stands at whatever address was asked for, and gives way to it. Tokens are pasted, never part of an address. */
export function SignIn() {
  const [token, setToken] = useState("");
  const signIn = useSignIn();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (token.trim() !== "") signIn.mutate(token.trim());
  };
  return (
    <main className={styles.page}>
      <title>Sign in · photobus</title>
      <form className={styles.card} onSubmit={submit}>
        <Mark />
        <h1>Sign in to photobus</h1>
        {/* Password managers keep a token with the name it stands beside. */}
        <input className="heard" type="text" name="username" autoComplete="username" value="photobus" readOnly hidden />
        <TextField
          label="Token"
          type="password"
          name="token"
          autoComplete="current-password"
          required
          value={token}
          onChange={(event) => setToken(event.target.value)}
          error={signIn.error === null ? undefined : whyNot(signIn.error)}
          hint={
            <>
              The system shows the first one when it starts, and keeps it in <code>data/run/token</code>.
            </>
          }
        />
        <Button type="submit" look="primary" busy={signIn.isPending}>
          Sign in
        </Button>
      </form>
    </main>
  );
}

function whyNot(error: unknown): string {
  const refused = error instanceof ApiError && error.status >= 400 && error.status < 500;
  return refused ? "This token is not known, or was revoked." : sentenceOf(error);
}
