import { queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { api, bodyOf } from "../api/client";
import type { Schemas } from "../api/types";
import { useLive } from "../live/LiveProvider";
import { detailAfter, type Fate, fateAfter, readsAnew } from "./photoChanges";

/** What is known of a photo, with its files. Live messages keep it true while it is shown. */
export const photoQuery = (id: number) =>
  queryOptions({
    queryKey: ["photo", id],
    queryFn: ({ signal }): Promise<Schemas["PhotoDetail"]> =>
      bodyOf(api.GET("/api/photos/{photo_id}", { params: { path: { photo_id: id } }, signal })),
    gcTime: 60_000,
    staleTime: 0, // while it was not shown, nobody followed it
  });

/** How long a photo that left its project may take to turn up in another, in milliseconds: the same event says both. */
const TURNS_UP = 300;

/** The photo, what became of it while it was shown, and an error if it cannot be read. */
export function usePhoto(id: number) {
  const queries = useQueryClient();
  const photo = useQuery(photoQuery(id));
  const [told, setTold] = useState<{ readonly id: number; readonly fate: Fate } | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was heard of one photo says nothing of the next
  useEffect(() => () => clearTimeout(timer.current), [id]);
  useLive((message) => {
    const { queryKey } = photoQuery(id);
    const known = queries.getQueryData(queryKey);
    if (readsAnew(id, message) || (queries.isFetching({ queryKey }) > 0 && detailAfter(known, message) !== known)) {
      void queries.invalidateQueries({ queryKey });
    }
    queries.setQueryData(queryKey, (before) => detailAfter(before, message));
    const fate = fateAfter(id, known, message);
    if (fate === undefined) return;
    clearTimeout(timer.current);
    if (fate?.kind === "removed") timer.current = setTimeout(() => setTold({ id, fate }), TURNS_UP);
    else setTold(fate && { id, fate });
  });
  return { photo: photo.data, error: photo.error, again: photo.refetch, fate: told?.id === id ? told.fate : null };
}
