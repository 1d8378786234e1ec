interface CommitBarProps {
  readonly projectFilter: string | null;
}

/** How many files wait to be removed, and the ways to do so or to keep them; nothing while none does. */
export function CommitBar(_props: CommitBarProps) {
  return null;
}
