import { type RefObject, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { PhotoList } from "./photoList";

/** Faster than this many heights of the view a second, what comes by is not worth loading. */
const FAST = 6;

/** The view stands when it has not been scrolled for so long, in milliseconds. */
const STANDS = 120;

/** How long it is said to have just been scrolled, in milliseconds. */
const JUST_NOW = 1200;

/** How the view is scrolled: so fast that thumbnails should wait, and whether just now. */
export interface Pace {
  readonly fast: boolean;
  readonly moving: boolean;
}

/**
 * Keeps the browser and the list at the same place: what the user scrolls the list is told, and where the list leads the
 * view, or its window has another base, the browser is scrolled.
 */
export function useScrolling(
  list: PhotoList,
  scroller: RefObject<HTMLElement | null>,
  sheet: RefObject<HTMLElement | null>,
): Pace {
  const [fast, setFast] = useState(false);
  const [moving, setMoving] = useState(false);
  useSize(list, scroller, sheet);
  useFollow(list, scroller);
  useEffect(() => {
    const element = scroller.current;
    if (element === null) return undefined;
    let timer: ReturnType<typeof setTimeout>;
    let resting: ReturnType<typeof setTimeout>;
    let before = { top: list.model.top, time: performance.now() };
    const onScroll = () => {
      const top = Math.max(0, element.scrollTop + list.model.base);
      const time = performance.now();
      const speed = Math.abs(top - before.top) / Math.max(time - before.time, 16) / list.model.viewHeight;
      before = { top, time };
      setFast(speed * 1000 > FAST);
      setMoving(true);
      list.scrolled(top);
      clearTimeout(timer);
      clearTimeout(resting);
      resting = setTimeout(() => setMoving(false), JUST_NOW);
      timer = setTimeout(() => {
        setFast(false);
        list.stopped();
      }, STANDS);
    };
    element.addEventListener("scroll", onScroll, { passive: true });
    return () => {
      element.removeEventListener("scroll", onScroll);
      clearTimeout(timer);
      clearTimeout(resting);
    };
  }, [list, scroller]);
  return { fast, moving };
}

/** Tells the list how large the view is. */
function useSize(list: PhotoList, scroller: RefObject<HTMLElement | null>, sheet: RefObject<HTMLElement | null>): void {
  useLayoutEffect(() => {
    const [outer, inner] = [scroller.current, sheet.current];
    if (outer === null || inner === null) return undefined;
    const measure = () => list.resized(inner.clientWidth, outer.clientHeight);
    measure();
    const watching = new ResizeObserver(measure);
    watching.observe(outer);
    return () => watching.disconnect();
  }, [list, scroller, sheet]);
}

/** Scrolls the browser to where the list has led the view. */
function useFollow(list: PhotoList, scroller: RefObject<HTMLElement | null>): void {
  const leaps = useRef(-1);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    if (leaps.current !== list.leaps) element.scrollTop = list.model.top - list.model.base;
    else if (list.shift !== 0) element.scrollTop += list.shift;
    leaps.current = list.leaps;
    list.shift = 0;
  });
}
