import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { type Definition, definitionsQuery } from "../api/tasks";
import { useJoined, useLiveLine } from "../live/LiveProvider";
import type { Line } from "../live/line";
import { TaskStore, type TasksView } from "./taskStore";

/** One store a session, however many look at it. */
const STORES = new WeakMap<Line, TaskStore>();

function storeOf(line: Line): TaskStore {
  const known = STORES.get(line);
  if (known !== undefined) return known;
  const made = new TaskStore(line);
  STORES.set(line, made);
  return made;
}

/** Keeps the tasks of the session true while the component is there; for the one that is always there. */
export function useKeepTasks(): void {
  const store = storeOf(useLiveLine());
  const joined = useJoined();
  useEffect(() => (joined ? store.start() : undefined), [store, joined]);
}

/** The open tasks, and the last ones that ended meanwhile. */
export function useTasks(): TasksView {
  const store = storeOf(useLiveLine());
  return useSyncExternalStore(store.watch, store.view);
}

export function useReadTasksAgain(): () => void {
  return storeOf(useLiveLine()).again;
}

/** The kinds of tasks by their types; none until they were read. */
export function useDefinitions(): ReadonlyMap<string, Definition> {
  const joined = useJoined();
  const { data } = useQuery({ ...definitionsQuery, enabled: joined });
  return useMemo(() => new Map(data?.map((definition) => [definition.type, definition])), [data]);
}

/** The time, again and again every `seconds` while the component is there. */
export function useNow(seconds: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), seconds * 1000);
    return () => clearInterval(timer);
  }, [seconds]);
  return now;
}
