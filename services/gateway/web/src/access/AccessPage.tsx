import { useQuery } from "@tanstack/react-query";
import { KeyRound, Plus } from "lucide-react";
import { useState } from "react";
import { sentenceOf } from "../api/problems";
import { sessionQuery, useCan } from "../api/session";
import { type Token, tokensQuery } from "../api/tokens";
import { Button } from "../app/ui/Button";
import { Checkbox } from "../app/ui/Field";
import { Page } from "../app/ui/Page";
import { fullTime, whenWords } from "../tasks/times";
import { useNow } from "../tasks/useTasks";
import styles from "./AccessPage.module.css";
import { NewTokenDialog } from "./NewTokenDialog";
import { NotAllowed } from "./NotAllowed";
import { RevokeDialog } from "./RevokeDialog";
import { ROLE_WORDS } from "./roles";

/** The tokens: who may do what (`/access`). */
export function AccessPage() {
  const can = useCan();
  const [making, setMaking] = useState(false);
  if (!can("admin")) return <NotAllowed />;
  return (
    <Page
      title="Who has access"
      lead="Each person and each program signs in with a token of its own, so that one can be taken back alone."
      actions={
        <Button look="primary" icon={<Plus aria-hidden />} onClick={() => setMaking(true)}>
          New token
        </Button>
      }
    >
      <TokenList />
      {making && <NewTokenDialog onClose={() => setMaking(false)} />}
    </Page>
  );
}

function TokenList() {
  const { data = [], error } = useQuery(tokensQuery);
  const [all, setAll] = useState(false);
  const [revoking, setRevoking] = useState<Token | null>(null);
  const now = useNow(30);
  const revoked = data.filter((token) => token.revoked_at !== null).length;
  const shown = data.filter((token) => all || token.revoked_at === null);
  return (
    <div>
      {error !== null && <p role="alert">{sentenceOf(error)}</p>}
      <ul className={styles.tokens} aria-label="Tokens">
        {shown.map((token) => (
          <TokenRow key={token.id} token={token} now={now} onRevoke={() => setRevoking(token)} />
        ))}
      </ul>
      {revoked > 0 && (
        <Checkbox
          label={`Show those that were revoked (${revoked})`}
          checked={all}
          onChange={(event) => setAll(event.target.checked)}
        />
      )}
      {revoking !== null && <RevokeDialog token={revoking} onClose={() => setRevoking(null)} />}
    </div>
  );
}

interface TokenRowProps {
  readonly token: Token;
  readonly now: number;
  readonly onRevoke: () => void;
}

function TokenRow({ token, now, onRevoke }: TokenRowProps) {
  const { data: session } = useQuery(sessionQuery);
  const own = session?.actor === `token:${token.id}`;
  return (
    <li className={styles.token} data-revoked={token.revoked_at !== null || undefined} aria-label={token.name}>
      <KeyRound aria-hidden />
      <div className={styles.about}>
        <h2>
          {token.name} {own && <span className={styles.own}>this session</span>}
        </h2>
        <p>{ROLE_WORDS[token.role]}</p>
        <p className={styles.when}>
          <time dateTime={token.created_at} title={fullTime(token.created_at)}>
            Made {whenWords(token.created_at, now)}
          </time>
          {token.revoked_at !== null && ` · revoked ${whenWords(token.revoked_at, now)}`}
        </p>
      </div>
      {token.revoked_at === null && <Button onClick={onRevoke}>Revoke</Button>}
    </li>
  );
}
