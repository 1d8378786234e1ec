interface ViewerProps {
  readonly photoId: number;
  /** The list that its neighbours are of. */
  readonly projectFilter: string | null;
  readonly onClose: () => void;
}

/** One photo over the whole screen. */
export function Viewer(_props: ViewerProps) {
  return null;
}
