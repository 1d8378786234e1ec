/** What was used last stands first, once; `most` are kept. */
export function withNewest<Item>(known: readonly Item[], newest: readonly Item[], most: number): readonly Item[] {
  return [...new Set([...newest, ...known])].slice(0, most);
}

/** Reads a list of texts that this browser keeps; what is none, or cannot be read, is empty. */
export function readTexts(name: string): readonly string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(name) ?? "[]");
    return Array.isArray(kept) ? kept.filter((one) => typeof one === "string") : [];
  } catch {
    return [];
  }
}

/** Keeps texts in this browser, the newest first; where it keeps nothing, they are forgotten. */
export function rememberTexts(name: string, newest: readonly string[], most: number): void {
  try {
    localStorage.setItem(name, JSON.stringify(withNewest(readTexts(name), newest, most)));
  } catch {
    // Private windows may have no room. Nothing depends on it.
  }
}
