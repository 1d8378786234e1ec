import { useQuery, useQueryClient } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { CloudOff } from "lucide-react";
import { useEffect } from "react";
import { onSessionChanged, SESSION_KEY, sessionQuery } from "../api/session";
import { LiveProvider, useLive } from "../live/LiveProvider";
import { Broken } from "./ErrorBoundary";
import { router } from "./router";
import { SignIn } from "./SignIn";
import { Toasts } from "./Toasts";
import { EmptyState } from "./ui/EmptyState";

/** Who is signed in decides what is shown; the address stays the same. */
export function App() {
  const queries = useQueryClient();
  const session = useQuery(sessionQuery);
  useEffect(() => onSessionChanged(() => void queries.invalidateQueries({ queryKey: SESSION_KEY })), [queries]);
  if (session.isPending) return <Waiting failures={session.failureCount} />;
  if (session.isError) return <Broken error={session.error} again={() => void session.refetch()} />;
  if (session.data === null) return <SignIn />;
  const { actor } = session.data;
  return (
    <LiveProvider key={actor} session={actor} onRefused={() => queries.setQueryData(SESSION_KEY, null)}>
      <AfterReset />
      <RouterProvider router={router} />
      <Toasts />
    </LiveProvider>
  );
}

/** Who is there is known in a moment, unless nothing answers: a sign that comes and goes would be no calmer than none. */
function Waiting({ failures }: { readonly failures: number }) {
  if (failures === 0) return null;
  return (
    <EmptyState page icon={<CloudOff aria-hidden />} title="The server cannot be reached">
      Trying again until it answers.
    </EmptyState>
  );
}

/** Messages were missed: all that was read is read anew, as far as it is in view. */
function AfterReset() {
  const queries = useQueryClient();
  useLive((message) => {
    if (message.name === "reset")
      void queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== SESSION_KEY[0] });
  });
  return null;
}
