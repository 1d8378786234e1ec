/**
 * Browsers show no element of more than about 17 to 33 million pixels, and a million photos are higher than that. So the
 * scrolled element is a window over the list: `base` is the place in the list at which it starts.
 *
 * The same base keeps what is seen in its place when something above it grows or shrinks: the base moves along, and
 * nothing is scrolled.
 */
export interface Window {
  /** Where the view starts, in the list. */
  readonly top: number;
  readonly viewHeight: number;
  /** Height of the whole list. */
  readonly height: number;
  readonly base: number;
}

/** Longest element that is scrolled, in CSS pixels. */
export const LONGEST = 8_000_000;

/** Height of the scrolled element. */
export function scrolledHeight({ height, base }: Window): number {
  return Math.max(0, Math.min(height - base, LONGEST));
}

/** The base for a view at `top`: the list's start where all of it can be scrolled, else so that there is room both ways. */
export function properBase({ top, height }: Pick<Window, "top" | "height">): number {
  if (height <= LONGEST) return 0;
  return Math.round(Math.min(Math.max(top - LONGEST / 2, 0), height - LONGEST));
}

/** Whether the base should be set anew once nothing moves; to do so while the user scrolls might be felt. */
export function isBaseOff(window: Window): boolean {
  if (window.height <= LONGEST) return window.base !== 0;
  return isBaseUrgent(window) || nearEdge(window, LONGEST / 8);
}

/** Whether it must be set anew at once, since the view is about to come to an end that is not the list's. */
export function isBaseUrgent(window: Window): boolean {
  return nearEdge(window, 2 * window.viewHeight);
}

function nearEdge(window: Window, margin: number): boolean {
  const scrolled = window.top - window.base;
  const height = scrolledHeight(window);
  const atStart = scrolled < margin && window.base !== 0;
  const atEnd = height - scrolled - window.viewHeight < margin && window.base + height < window.height;
  return atStart || atEnd;
}
