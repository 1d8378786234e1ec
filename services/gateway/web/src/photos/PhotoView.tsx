interface PhotoViewProps {
  /** The project whose photos are shown, by its folder; null for all photos. */
  readonly projectFilter: string | null;
}

/** The photos of the view: its line of filters, the grid, the bar of dates. */
export function PhotoView(_props: PhotoViewProps) {
  return null;
}
