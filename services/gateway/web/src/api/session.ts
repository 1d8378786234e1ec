import { type QueryClient, queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf } from "./client";
import { ApiError } from "./problems";
import type { Role, Session } from "./types";

export const SESSION_KEY = ["session"] as const;

const RANK: Readonly<Record<Role, number>> = { viewer: 0, editor: 1, admin: 2 };

/** Whether somebody of the role `mine` may do what needs the role `needed`. */
export function may(mine: Role, needed: Role): boolean {
  return RANK[mine] >= RANK[needed];
}

/** Who is signed in; null is nobody. */
export const sessionQuery = queryOptions({
  queryKey: SESSION_KEY,
  queryFn: async ({ signal }): Promise<Session | null> => {
    try {
      return await bodyOf(api.GET("/api/session", { signal }));
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return null;
      throw error;
    }
  },
  gcTime: Number.POSITIVE_INFINITY,
  retry: (_failures, error) => error instanceof ApiError && error.retryable, // nothing else can be done meanwhile
});

/** `const can = useCan(); … {can("editor") && <Button …/>}`: what the session may not do is not shown. */
export function useCan(): (needed: Role) => boolean {
  const { data: session } = useQuery(sessionQuery);
  return (needed) => session != null && may(session.role, needed);
}

/** Signs in with a token, which the browser then keeps as a cookie that no script can read. */
export function useSignIn() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (token: string) => bodyOf(api.POST("/api/session", { body: { token } })),
    onSuccess: (session) => {
      become(queries, session);
      tellOtherTabs();
    },
  });
}

/** Signs out, in every tab, and forgets what was read. */
export function useSignOut() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => api.DELETE("/api/session"),
    onSuccess: () => {
      become(queries, null);
      tellOtherTabs();
    },
  });
}

/** What one session has read is not for the next one to see. */
function become(queries: QueryClient, session: Session | null): void {
  queries.setQueryData(SESSION_KEY, session);
  queries.removeQueries({ predicate: (query) => query.queryKey[0] !== SESSION_KEY[0] });
}

const TABS = "photobus-session";

/** Calls `changed` when another tab signed in or out; returns how to stop. */
export function onSessionChanged(changed: () => void): () => void {
  const channel = new BroadcastChannel(TABS);
  channel.onmessage = changed;
  return () => channel.close();
}

function tellOtherTabs(): void {
  const channel = new BroadcastChannel(TABS);
  channel.postMessage("changed");
  channel.close();
}
