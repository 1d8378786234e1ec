interface UploadZoneProps {
  /** The project that dropped files go to; null where that is to be asked. */
  readonly projectFilter: string | null;
}

/** Takes files that are dropped anywhere on the page; shows where they would go while they hang over it. */
export function UploadZone(_props: UploadZoneProps) {
  return null;
}
