/** Logs what happens on the line, in development builds only; the rest leaves it out of the bundle. */
export function note(...what: readonly unknown[]): void {
  // biome-ignore lint/suspicious/noConsole: this is the one place where the line is logged
  if (import.meta.env.DEV) console.debug("[SSE]", ...what);
}
