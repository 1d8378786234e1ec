/** Schedules, runs, and what waits for a confirmation (`/maintenance`). */
export function MaintenancePage() {
  return null;
}
