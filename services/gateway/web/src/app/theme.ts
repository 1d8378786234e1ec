import { useSyncExternalStore } from "react";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const STORED_AS = "photobus-theme";
const CHANGED = "photobus-theme-changed";

/** The theme that was chosen in this browser; the system's where none was, or where nothing can be kept. */
export function chosenTheme(): Theme {
  try {
    return themeOf(localStorage.getItem(STORED_AS));
  } catch {
    return "system";
  }
}

export function themeOf(word: string | null): Theme {
  return THEMES.find((theme) => theme === word) ?? "system";
}

/** Puts the chosen theme on the page; before the first view, so that it does not flash. */
export function applyTheme(): void {
  document.documentElement.dataset.theme = chosenTheme();
}

export function chooseTheme(theme: Theme): void {
  try {
    localStorage.setItem(STORED_AS, theme);
  } catch {
    // A browser that keeps nothing shows it until the page is left.
  }
  document.documentElement.dataset.theme = theme;
  window.dispatchEvent(new Event(CHANGED));
}

/** The theme of the page, also when another tab chooses one. */
export function useTheme(): Theme {
  return useSyncExternalStore(watch, () => themeOf(document.documentElement.dataset.theme ?? null));
}

function watch(changed: () => void): () => void {
  const elsewhere = (event: StorageEvent) => {
    if (event.key !== STORED_AS) return;
    applyTheme();
    changed();
  };
  window.addEventListener("storage", elsewhere);
  window.addEventListener(CHANGED, changed);
  return () => {
    window.removeEventListener("storage", elsewhere);
    window.removeEventListener(CHANGED, changed);
  };
}
