import { useQuery } from "@tanstack/react-query";
import { sentenceOf } from "../api/problems";
import { sessionQuery } from "../api/session";
import { type Token, useRevokeToken } from "../api/tokens";
import { say } from "../app/toasts";
import { Button } from "../app/ui/Button";
import { Dialog } from "../app/ui/Dialog";

interface RevokeDialogProps {
  readonly token: Token;
  readonly onClose: () => void;
}

/** Asks before a token is taken back: that cannot be undone. */
export function RevokeDialog({ token, onClose }: RevokeDialogProps) {
  const { data: session } = useQuery(sessionQuery);
  const revoke = useRevokeToken();
  const own = session?.actor === `token:${token.id}`;
  const go = () =>
    revoke.mutate(token.id, {
      onSuccess: () => {
        onClose();
        say(`“${token.name}” was revoked.`);
      },
    });
  return (
    <Dialog
      title={`Revoke “${token.name}”?`}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="danger" busy={revoke.isPending} onClick={go}>
            Revoke
          </Button>
        </>
      }
    >
      <p>
        Whoever uses it is signed out at once, in all browsers and programs. It cannot be given back: make a new one
        instead.
      </p>
      {own && (
        <p>
          <strong>This session uses it</strong>: you sign yourself out.
        </p>
      )}
      {revoke.error !== null && <p role="alert">{sentenceOf(revoke.error)}</p>}
    </Dialog>
  );
}
