import { ZoomIn, ZoomOut } from "lucide-react";
import { useRef, useState } from "react";
import type { Photo, Schemas } from "../api/types";
import { IconButton } from "../app/ui/Button";
import { classes } from "../app/ui/classes";
import type { Command } from "./keys";
import { NoPicture } from "./NoPicture";
import styles from "./Stage.module.css";
import { useCommands } from "./useCommands";
import type { Addresses } from "./usePictures";
import { useZoom, type Zooming } from "./useZoom";
import { originalAddress, readableFile } from "./words";
import {
  FITS,
  type Frame,
  outgrows,
  panned,
  type Size,
  scaleOf,
  toggled,
  type Zoom,
  zoomedBy,
  zoomInWords,
} from "./zoom";

interface StageProps {
  readonly photo: Photo;
  readonly detail: Schemas["PhotoDetail"] | undefined;
  readonly pictures: Addresses;
  readonly onStep: (step: 1 | -1) => void;
}

/** Sides of a photo of which nothing is known; of previews as the settings have them. */
const UNKNOWN: Size = { width: 3000, height: 2000 };
const USUAL_PREVIEW = 2048;

/** One photo on a dark ground. Give it the photo's id as `key`: each begins as large as fits. */
export function Stage({ photo, detail, pictures, onStep }: StageProps) {
  const stage = useRef<HTMLDivElement>(null);
  const [seen, setSeen] = useState<Size | null>(null);
  const size = sizeOf(photo, seen);
  const zooming = useZoom(stage, size, onStep);
  const { zoom, frame, gestures } = zooming;
  const scale = scaleOf(zoom, frame);
  useCommands((command) => obey(zooming, command));
  const previewWidth = seen?.width ?? USUAL_PREVIEW;
  const original = outgrows(zoom, frame, previewWidth) ? originalOf(detail) : null;
  return (
    <div ref={stage} className={classes(styles.stage, zoom.scale !== null && styles.zoomed)} {...gestures}>
      {(pictures.preview ?? pictures.thumbnail) !== null && frame.stage.width > 0 && (
        <div
          className={styles.photo}
          style={{
            width: size.width * scale,
            height: size.height * scale,
            transform: `translate(-50%, -50%) translate(${zoom.x}px, ${zoom.y}px)`,
          }}
        >
          <Picture address={pictures.thumbnail} />
          <Picture address={pictures.preview} alt={photo.filename} onSeen={setSeen} />
          <Picture key={original} address={original} />
        </div>
      )}
      <NoPicture photo={photo} />
      {pictures.preview !== null && (
        <div className={styles.zoom}>
          <IconButton label="Zoom out" onClick={() => obey(zooming, "farther")} disabled={zoom.scale === null}>
            <ZoomOut aria-hidden />
          </IconButton>
          <button
            type="button"
            className={styles.percent}
            title="All of it, or pixel by pixel"
            onClick={() => obey(zooming, "full")}
          >
            <span className="heard">Zoom: </span>
            {zoomInWords(zoom, frame)}
          </button>
          <IconButton label="Zoom in" onClick={() => obey(zooming, "nearer")}>
            <ZoomIn aria-hidden />
          </IconButton>
        </div>
      )}
    </div>
  );
}

interface PictureProps {
  readonly address: string | null;
  readonly alt?: string;
  /** Called with the picture's own sides as soon as it is there. */
  readonly onSeen?: (size: Size) => void;
}

/** A picture that covers those below it once it is there. */
function Picture({ address, alt = "", onSeen }: PictureProps) {
  const [shown, setShown] = useState<string | null>(null);
  if (address === null) return null;
  return (
    <img
      className={classes(styles.picture, shown === null && styles.coming)}
      src={address}
      alt={alt}
      draggable={false}
      decoding="async"
      onLoad={({ currentTarget }) => {
        setShown(address);
        onSeen?.({ width: currentTarget.naturalWidth, height: currentTarget.naturalHeight });
      }}
    />
  );
}

const STEP = 1.4;
const PAN = 120;
const MIDDLE = { x: 0, y: 0 };

type Changes = Partial<Record<Command, (zoom: Zoom, frame: Frame) => Zoom>>;

const CHANGES: Changes = {
  nearer: (zoom, frame) => zoomedBy(zoom, STEP, MIDDLE, frame),
  farther: (zoom, frame) => zoomedBy(zoom, 1 / STEP, MIDDLE, frame),
  fit: () => FITS,
  full: (zoom, frame) => toggled(zoom, MIDDLE, frame),
  "pan left": (zoom, frame) => panned(zoom, { x: PAN, y: 0 }, frame),
  "pan right": (zoom, frame) => panned(zoom, { x: -PAN, y: 0 }, frame),
  "pan up": (zoom, frame) => panned(zoom, { x: 0, y: PAN }, frame),
  "pan down": (zoom, frame) => panned(zoom, { x: 0, y: -PAN }, frame),
};

function obey({ set }: Zooming, command: Command): void {
  const change = CHANGES[command];
  if (change !== undefined) set(change);
}

/** The photo's own sides; its preview's where they are not known. */
function sizeOf({ width, height }: Photo, seen: Size | null): Size {
  return width === null || height === null ? (seen ?? UNKNOWN) : { width, height };
}

function originalOf(detail: Schemas["PhotoDetail"] | undefined): string | null {
  const name = detail === undefined ? null : readableFile(detail.files);
  return detail === undefined || name === null ? null : originalAddress(detail.id, name);
}
