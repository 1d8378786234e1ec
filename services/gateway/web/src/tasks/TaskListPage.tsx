/** All tasks (`/tasks`), also as they stood at another time. */
export function TaskListPage() {
  return null;
}
