import { useQuery, useQueryClient } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { useEffect } from "react";
import { onSessionChanged, SESSION_KEY, sessionQuery } from "../api/session";
import { LiveProvider } from "../live/LiveProvider";
import { Broken } from "./ErrorBoundary";
import { router } from "./router";
import { SignIn } from "./SignIn";
import { Toasts } from "./Toasts";

/** Who is signed in decides what is shown; the address stays the same. */
export function App() {
  const queries = useQueryClient();
  const session = useQuery(sessionQuery);
  useEffect(() => onSessionChanged(() => void queries.invalidateQueries({ queryKey: SESSION_KEY })), [queries]);
  if (session.isPending) return null; // it takes a moment; a sign that comes and goes would be no calmer
  if (session.isError) return <Broken error={session.error} again={() => void session.refetch()} />;
  if (session.data === null) return <SignIn />;
  const { actor } = session.data;
  return (
    <LiveProvider key={actor} session={actor} onRefused={() => queries.setQueryData(SESSION_KEY, null)}>
      <RouterProvider router={router} />
      <Toasts />
    </LiveProvider>
  );
}
