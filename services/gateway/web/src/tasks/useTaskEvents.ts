import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { type HistoryItem, readTaskEvents } from "../api/history";
import { useLive } from "../live/LiveProvider";
import { taskOf } from "./tasks";

interface Events {
  readonly items: readonly HistoryItem[];
  /** Where there are more, later ones; null where these are all that there were. */
  readonly next: string | null;
}

/** After a message the archive has its event a moment later, in milliseconds. */
const SETTLES = 700;

/** So many events are gone through backwards to catch up with what happened; beyond that they are read from the start. */
const MOST_PAGES = 5;

const NO_EVENTS: readonly HistoryItem[] = [];

export interface TaskEvents {
  readonly items: readonly HistoryItem[];
  readonly more: (() => void) | null;
  readonly pending: boolean;
  readonly error: Error | null;
  readonly again: () => void;
}

/** What happened in a task, in the order of the log; what happens meanwhile is added. */
export function useTaskEvents(taskId: string): TaskEvents {
  const queries = useQueryClient();
  const key = ["events", "task", taskId];
  const [busy, setBusy] = useState(false);
  const query = useQuery({
    queryKey: key,
    queryFn: async ({ signal }): Promise<Events> => pageOf(await readTaskEvents(taskId, "asc", null, signal)),
    gcTime: 0,
  });
  const { data } = query;
  const catchUp = useCatchingUp(taskId, data, (events) => queries.setQueryData(key, events));
  useLive((message) => {
    if (message.name === "reset" || taskOf(message) === taskId) catchUp();
  });
  const more = () => {
    if (data?.next == null || busy) return;
    setBusy(true);
    void readTaskEvents(taskId, "asc", data.next, new AbortController().signal)
      .then((page) => queries.setQueryData(key, { items: [...data.items, ...page.items], next: page.next_cursor }))
      .finally(() => setBusy(false));
  };
  return {
    items: data?.items ?? NO_EVENTS,
    more: data?.next == null ? null : more,
    pending: query.isPending,
    error: query.error,
    again: () => void query.refetch(),
  };
}

function pageOf(page: { readonly items: readonly HistoryItem[]; readonly next_cursor: string | null }): Events {
  return { items: page.items, next: page.next_cursor };
}

/** Adds what happened since the last event that is known, a moment after it is asked to, one reading at a time. */
function useCatchingUp(taskId: string, known: Events | undefined, found: (events: Events) => void): () => void {
  const newest = useRef({ known, found });
  useEffect(() => {
    newest.current = { known, found };
  });
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const leaving = useRef<AbortController>(undefined);
  useEffect(() => {
    const controller = new AbortController();
    leaving.current = controller;
    return () => {
      controller.abort();
      clearTimeout(timer.current);
      timer.current = undefined;
    };
  }, []);
  return useCallback(() => {
    if (timer.current !== undefined) return;
    timer.current = setTimeout(() => {
      timer.current = undefined;
      const signal = leaving.current?.signal;
      const { known: before } = newest.current;
      if (signal === undefined || before === undefined || before.next !== null) return;
      void readSince(taskId, before, signal).then(
        (events) => newest.current.found(events),
        () => undefined, // the next message asks again
      );
    }, SETTLES);
  }, [taskId]);
}

async function readSince(taskId: string, before: Events, signal: AbortSignal): Promise<Events> {
  const last = before.items.at(-1)?.seq ?? 0;
  const newer: HistoryItem[] = [];
  let cursor: string | null = null;
  for (let pages = 0; pages < MOST_PAGES; pages += 1) {
    const page = await readTaskEvents(taskId, "desc", cursor, signal);
    newer.push(...page.items.filter((item) => item.seq > last));
    cursor = page.next_cursor;
    if (cursor === null || page.items.some((item) => item.seq <= last)) {
      return { items: [...before.items, ...newer.reverse()], next: null };
    }
  }
  return pageOf(await readTaskEvents(taskId, "asc", null, signal));
}
