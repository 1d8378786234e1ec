import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { secondsBefore } from "./once";
import { ApiError } from "./problems";
import { SESSION_KEY } from "./session";

const UNAUTHORIZED = 401;
const TRIES = 5;

/**
 * The cache of what was read. Nothing in it grows stale by itself: live messages patch it, or mark it to be read anew.
 *
 * Reading is tried again where nothing answered. Mutations are not: those that must happen once go by `once`.
 */
export function createQueryClient(): QueryClient {
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({ onError: signOutIfUnauthorized }),
    mutationCache: new MutationCache({ onError: signOutIfUnauthorized }),
    defaultOptions: {
      queries: {
        staleTime: Number.POSITIVE_INFINITY,
        gcTime: 5 * 60_000,
        refetchOnWindowFocus: false,
        refetchOnReconnect: false,
        networkMode: "always", // a gateway on this machine or in this house answers without the internet
        retry: (failures, error) => error instanceof ApiError && error.retryable && failures < TRIES,
        retryDelay: (failures, error) => secondsBefore(failures + 1, error) * 1000,
      },
      mutations: { networkMode: "always" },
    },
  });

  /** The token was revoked, or the cookie is gone: the sign-in view takes the place of all others, at their address. */
  function signOutIfUnauthorized(error: unknown): void {
    if (error instanceof ApiError && error.status === UNAUTHORIZED) client.setQueryData(SESSION_KEY, null);
  }

  return client;
}
