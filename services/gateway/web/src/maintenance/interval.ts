/** Units of intervals by their seconds. */
export const UNITS = { seconds: 1, minutes: 60, hours: 3600, days: 86_400 } as const;
export type Unit = keyof typeof UNITS;

export const UNIT_NAMES: readonly Unit[] = ["seconds", "minutes", "hours", "days"];

/** Seconds as a number of the largest unit of which they are a whole number. */
export function inUnits(seconds: number): { readonly count: number; readonly unit: Unit } {
  const unit = UNIT_NAMES.findLast((name) => seconds % UNITS[name] === 0) ?? "seconds";
  return { count: seconds / UNITS[unit], unit };
}
