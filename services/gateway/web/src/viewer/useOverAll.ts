import { type RefObject, useLayoutEffect, useRef } from "react";

/**
 * Lays what has this ref over the page: below it nothing can be reached, and it has the focus.
 *
 * It is no `<dialog>`, so that notices stay within reach. When it goes, the focus goes back to where it was, unless the
 * list below takes it to the photo that was looked at last.
 */
export function useOverAll(): RefObject<HTMLDivElement | null> {
  const over = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const below = document.getElementById("content")?.parentElement ?? null;
    const before = document.activeElement;
    if (below !== null) below.inert = true;
    over.current?.focus();
    return () => {
      if (below !== null) below.inert = false;
      if (before instanceof HTMLElement) before.focus({ preventScroll: true });
    };
  }, []);
  return over;
}
