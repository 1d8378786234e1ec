import { useCallback, useEffect, useRef } from "react";

/** However much happens, something is read anew at most once in so many milliseconds. */
const SETTLES = 1000;

/** A function that has `run` called a moment later, once for all calls until then. */
export function useGathered(run: () => void): () => void {
  const newest = useRef(run);
  useEffect(() => {
    newest.current = run;
  });
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(
    () => () => {
      clearTimeout(timer.current);
      timer.current = undefined;
    },
    [],
  );
  return useCallback(() => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      newest.current();
    }, SETTLES);
  }, []);
}
