interface SelectionBarProps {
  readonly projectFilter: string | null;
}

/** What can be done with the photos that are selected; nothing while none is. */
export function SelectionBar(_props: SelectionBarProps) {
  return null;
}
