/** The button in the header that says how much runs, with the panel that it opens. */
export function TasksPanel() {
  return null;
}
