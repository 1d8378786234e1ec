/** What stands behind the question mark, before it is known what it means: text, or several texts of one name. */
export type RawSearch = Record<string, unknown>;

/** Reads `?tags=sea&tags=2026&photo=17`: plain words that people can read and send, no JSON. */
export function parseAddress(search: string): Record<string, string | string[]> {
  const found: Record<string, string | string[]> = {};
  for (const [name, value] of new URLSearchParams(search)) {
    const before = found[name];
    found[name] = before === undefined ? value : [before, value].flat();
  }
  return found;
}

/** Writes what `parseAddress` reads; what is undefined, null or an empty list is left out. */
export function writeAddress(search: RawSearch): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(search)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null) params.append(name, String(one));
    }
  }
  const text = params.toString();
  return text && `?${text}`;
}
