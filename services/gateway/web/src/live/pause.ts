/** Pause before the first try again where the server asked for none, in milliseconds. */
const USUAL = 1000;

const LONGEST = 15_000;

/**
 * How long to wait before the `attempt`-th try (from 1) to connect again, in milliseconds.
 *
 * Longer each time, and spread by `chance` (0 to 1), so that the clients of a gateway that comes back do not come at once.
 */
export function pauseBefore(attempt: number, asked: number | null, chance: number): number {
  const base = Math.min((asked ?? USUAL) * 2 ** (attempt - 1), LONGEST);
  return Math.round(base * (0.5 + chance / 2));
}
