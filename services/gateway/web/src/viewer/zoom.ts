/** Width and height, or a distance, in CSS pixels unless said otherwise. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The stage, the photo in its own pixels, and how many pixels the screen has for one of CSS. */
export interface Frame {
  readonly stage: Size;
  readonly photo: Size;
  readonly density: number;
}

/** How a photo is looked at: its scale in CSS pixels a pixel of its own, and how far its middle is from the stage's. */
export interface Zoom {
  /** Null: as large as fits. */
  readonly scale: number | null;
  readonly x: number;
  readonly y: number;
}

export const FITS: Zoom = { scale: null, x: 0, y: 0 };

/** Small photos are enlarged up to so many times. */
const ENLARGED = 2;
/** As near as one can come: so many pixels of the screen for one of the photo. */
const NEAREST = 8;

export function fitScale({ stage, photo, density }: Frame): number {
  return Math.min(stage.width / photo.width, stage.height / photo.height, ENLARGED / density);
}

/** One pixel of the photo on each of the screen. */
export function fullScale({ density }: Frame): number {
  return 1 / density;
}

export function scaleOf(zoom: Zoom, frame: Frame): number {
  return zoom.scale ?? fitScale(frame);
}

/** `Fit`, or `100 %` of the photo's own pixels. */
export function zoomInWords(zoom: Zoom, frame: Frame): string {
  if (zoom.scale === null) return "Fit";
  return `${Math.round((100 * zoom.scale) / fullScale(frame))} %`;
}

/** Zooms to a scale; what is at the point `at` (from the middle of the stage) stays there. */
export function zoomedTo(zoom: Zoom, scale: number, at: Point, frame: Frame): Zoom {
  const least = fitScale(frame);
  const wanted = Math.min(Math.max(scale, least), Math.max(least, NEAREST * fullScale(frame)));
  if (wanted <= least * 1.001) return FITS;
  const grown = wanted / scaleOf(zoom, frame);
  return kept({ scale: wanted, x: at.x - (at.x - zoom.x) * grown, y: at.y - (at.y - zoom.y) * grown }, frame);
}

export function zoomedBy(zoom: Zoom, factor: number, at: Point, frame: Frame): Zoom {
  return zoomedTo(zoom, scaleOf(zoom, frame) * factor, at, frame);
}

/** Between all of it and its own pixels. */
export function toggled(zoom: Zoom, at: Point, frame: Frame): Zoom {
  return zoom.scale === null ? zoomedTo(zoom, Math.max(fullScale(frame), fitScale(frame) * 2), at, frame) : FITS;
}

export function panned(zoom: Zoom, by: Point, frame: Frame): Zoom {
  return zoom.scale === null ? zoom : kept({ ...zoom, x: zoom.x + by.x, y: zoom.y + by.y }, frame);
}

/** The same zoom on another stage. */
export function kept(zoom: Zoom, frame: Frame): Zoom {
  if (zoom.scale === null) return zoom;
  if (zoom.scale <= fitScale(frame)) return FITS;
  return {
    scale: zoom.scale,
    x: within(zoom.x, (frame.photo.width * zoom.scale - frame.stage.width) / 2),
    y: within(zoom.y, (frame.photo.height * zoom.scale - frame.stage.height) / 2),
  };
}

/** Whether the photo is drawn so large that a picture of `pixels` in width would be seen to be blurred. */
export function outgrows(zoom: Zoom, frame: Frame, pixels: number): boolean {
  if (zoom.scale === null || frame.photo.width <= pixels) return false;
  return frame.photo.width * zoom.scale * frame.density > pixels * 1.25;
}

function within(value: number, most: number): number {
  const bound = Math.max(0, most);
  return Math.min(Math.max(value, -bound), bound);
}
