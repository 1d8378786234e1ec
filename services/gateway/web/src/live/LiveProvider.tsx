import { createContext, type ReactNode, useContext, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { Line, type LineState } from "./line";
import type { LiveMessage, PendingChangesState } from "./messages";

const LineContext = createContext<Line | null>(null);

/** How long a view waits for the line before it reads its lists without it, in milliseconds. */
const PATIENCE = 1500;

interface LiveProviderProps {
  /** Tells sessions apart: the actor. Give it as `key` too, so that another session gets a line of its own. */
  readonly session: string;
  readonly onRefused: () => void;
  readonly children: ReactNode;
}

/** Gives what is below it the live updates of the session. */
export function LiveProvider({ session, onRefused, children }: LiveProviderProps) {
  const [line] = useState(() => new Line(session, onRefused));
  useEffect(() => line.start(), [line]);
  useEffect(() => {
    const timer = setTimeout(line.goOnWithout, PATIENCE);
    return () => clearTimeout(timer);
  }, [line]);
  return <LineContext value={line}>{children}</LineContext>;
}

function useLine(): Line {
  const line = useContext(LineContext);
  if (line === null) throw new Error("useLive outside of LiveProvider");
  return line;
}

/**
 * Calls `handler` with each live message while the component is there, always the newest `handler`.
 *
 * `reset` says that messages were missed: what was read before is to be read anew.
 */
export function useLive(handler: (message: LiveMessage) => void): void {
  const line = useLine();
  const newest = useRef(handler);
  useEffect(() => {
    newest.current = handler;
  });
  useEffect(() => line.listen((message) => newest.current(message)), [line]);
}

/** How the line stands. */
export function useLineState(): LineState {
  const line = useLine();
  return useSyncExternalStore(line.watch, () => line.view().state);
}

/** Whether lists may be read: from now on no change of theirs is missed. */
export function useJoined(): boolean {
  const line = useLine();
  return useSyncExternalStore(line.watch, () => line.view().joined);
}

/** How many deletions are pending, live; null until it was told. */
export function usePendingChanges(): PendingChangesState | null {
  const line = useLine();
  return useSyncExternalStore(line.watch, () => line.view().pending);
}

/** The line itself, for stores outside of React: `line.listen(…)`. */
export const useLiveLine: () => Line = useLine;
