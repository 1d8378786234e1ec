/** What was done, by whom (`/audit`). */
export function AuditPage() {
  return null;
}
