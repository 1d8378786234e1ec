import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf } from "./client";
import type { Role, Schemas } from "./types";

export type Token = Schemas["TokenView"];
export type CreatedToken = Schemas["CreatedToken"];

export const tokensQuery = queryOptions({
  queryKey: ["tokens"],
  queryFn: async ({ signal }): Promise<readonly Token[]> => (await bodyOf(api.GET("/api/tokens", { signal }))).items,
  staleTime: 0, // no live message tells of tokens
});

/** Makes a token. Its secret is in this answer alone, so the answer is kept by whoever asked, and in no cache. */
export function useCreateToken() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (made: { readonly name: string; readonly role: Role }) =>
      bodyOf(api.POST("/api/tokens", { body: made })),
    gcTime: 0,
    onSuccess: () => queries.invalidateQueries({ queryKey: tokensQuery.queryKey }),
  });
}

export function useRevokeToken() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (tokenId: string) => api.DELETE("/api/tokens/{token_id}", { params: { path: { token_id: tokenId } } }),
    onSuccess: () => queries.invalidateQueries({ queryKey: tokensQuery.queryKey }),
  });
}
