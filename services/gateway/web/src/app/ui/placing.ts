interface Size {
  readonly width: number;
  readonly height: number;
}

interface Box extends Size {
  readonly left: number;
  readonly top: number;
}

const GAP = 4;
const MARGIN = 8;

/** Where a popover of the size `list` stands: below `anchor` and flush with it, above it or shifted where it would not fit. */
export function placeBeside(anchor: Box, list: Size, view: Size): { left: number; top: number } {
  const below = anchor.top + anchor.height + GAP;
  const above = anchor.top - GAP - list.height;
  const fitsBelow = below + list.height <= view.height - MARGIN;
  const flushRight = anchor.left + anchor.width - list.width;
  const left = anchor.left + list.width <= view.width - MARGIN ? anchor.left : flushRight;
  return {
    left: Math.max(MARGIN, Math.min(left, view.width - MARGIN - list.width)),
    top: fitsBelow || above < MARGIN ? Math.max(MARGIN, Math.min(below, view.height - MARGIN - list.height)) : above,
  };
}
