import { useState } from "react";
import type { Tab } from "./Panel";

const KEPT = "photobus-viewer-panel";

/** On screens so wide the panel is open unless it was closed before. */
const WIDE = "(width >= 1000px)";

/** Which tab of the panel is open; null while the panel is closed. This browser keeps whether it is. */
export function usePanel() {
  const [tab, setTab] = useState<Tab | null>(() => (isOpenAtFirst() ? "info" : null));
  const show = (next: Tab | null) => {
    setTab(next);
    remember(next !== null);
  };
  return {
    tab,
    /** Opens a tab, and puts the focus into what has the id `field`. */
    open: (next: Tab, field?: string) => {
      show(next);
      if (field !== undefined) requestAnimationFrame(() => document.getElementById(field)?.focus());
    },
    toggle: () => show(tab === null ? "info" : null),
    /** Opens a tab, or closes the panel where that tab is open. */
    turn: (next: Tab) => show(tab === next ? null : next),
  };
}

function isOpenAtFirst(): boolean {
  if (!matchMedia(WIDE).matches) return false;
  try {
    return localStorage.getItem(KEPT) !== "closed";
  } catch {
    return true;
  }
}

function remember(open: boolean): void {
  try {
    localStorage.setItem(KEPT, open ? "open" : "closed");
  } catch {
    // Private windows may have no room. Nothing depends on it.
  }
}
