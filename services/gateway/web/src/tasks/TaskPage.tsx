/** One task (`/tasks/$taskId`): its steps, its photos, and what happened, as a timeline. */
export function TaskPage() {
  return null;
}
