import { infiniteQueryOptions, useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { api, bodyOf } from "../api/client";
import { sentenceOf } from "../api/problems";
import type { Schemas } from "../api/types";
import { Button } from "../app/ui/Button";
import { useLive } from "../live/LiveProvider";
import styles from "./Panel.module.css";
import { actorInWords, momentInWords } from "./words";

const PAGE = 30;

/**
 * How long after something happened the history is read anew, in milliseconds.
 *
 * The archive has it usually within a second, but later where much is going on, and no message tells when it has.
 */
const READ_ANEW = [800, 3_000, 10_000] as const;

const historyQuery = (photoId: number) =>
  infiniteQueryOptions({
    queryKey: ["history of photo", photoId],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }): Promise<Schemas["History"]> => {
      const query = pageParam === null ? { limit: PAGE } : { limit: PAGE, cursor: pageParam };
      const params = { path: { photo_id: photoId }, query };
      return bodyOf(api.GET("/api/photos/{photo_id}/history", { params, signal }));
    },
    getNextPageParam: (page) => page.next_cursor,
    staleTime: 0,
    gcTime: 0,
  });

/** What happened to a photo, the newest first: what, who, when, and by which task. */
export function HistorySection({ photoId }: { readonly photoId: number }) {
  const history = useInfiniteQuery(historyQuery(photoId));
  useReadAnew(photoId);
  if (history.isPending) return <p className={styles.quiet}>Reading…</p>;
  if (history.isError) return <p className={styles.error}>{sentenceOf(history.error)}</p>;
  const events = history.data.pages.flatMap((page) => page.items);
  return (
    <section className={styles.section} aria-label="History">
      <ol className={styles.history}>
        {events.map((event) => (
          <HistoryLine key={event.id} event={event} />
        ))}
      </ol>
      {history.hasNextPage && (
        <Button look="quiet" busy={history.isFetchingNextPage} onClick={() => void history.fetchNextPage()}>
          Show more
        </Button>
      )}
    </section>
  );
}

function HistoryLine({ event }: { readonly event: Schemas["HistoryItem"] }) {
  const { summary, time, task_id } = event;
  return (
    <li>
      <p>{summary}</p>
      <small>
        <time dateTime={time}>{momentInWords(time)}</time> by {actorInWords(event)}
        {task_id !== null && (
          <>
            {" · "}
            <Link to="/tasks/$taskId" params={{ taskId: task_id }}>
              Task
            </Link>
          </>
        )}
      </small>
    </li>
  );
}

function useReadAnew(photoId: number): void {
  const queries = useQueryClient();
  const [happened, setHappened] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: with each thing that happens, it begins anew
  useEffect(() => {
    const { queryKey } = historyQuery(photoId);
    const read = () => void queries.invalidateQueries({ queryKey });
    const timers = READ_ANEW.map((wait) => setTimeout(read, wait));
    return () => timers.forEach(clearTimeout);
  }, [queries, photoId, happened]);
  useLive(({ name, data }) => {
    const isOfIt = (name === "item" || name === "item_removed" || name === "item_moved") && data.photo_id === photoId;
    if (isOfIt || name === "reset") setHappened((count) => count + 1);
  });
}
