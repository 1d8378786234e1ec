import { Check, Trash2 } from "lucide-react";
import { memo } from "react";
import type { Photo } from "../api/types";
import { classes } from "../app/ui/classes";
import type { Entry, Ghost } from "./entries";
import { isAllPendingDeletion } from "./matching";
import { Thumbnail } from "./Thumbnail";
import styles from "./Tile.module.css";

interface TileProps {
  readonly entry: Entry;
  readonly left: number;
  readonly width: number;
  readonly selected: boolean;
  /** Whether the keyboard is at it. */
  readonly active: boolean;
  readonly waits: boolean;
}

/** The id of a photo's tile on the page. */
export function tileId(photoId: number): string {
  return `photo-${photoId}`;
}

/** One photo of the grid. What is done to it by pointer is seen to by the grid (`gestures.ts`). */
export const Tile = memo(function Tile({ entry, left, width, selected, active, waits }: TileProps) {
  const { photo, ghost } = entry;
  const goes = isAllPendingDeletion(photo);
  return (
    // biome-ignore lint/a11y/useFocusableInteractive: the grid has the focus and names its active cell
    // biome-ignore lint/a11y/useSemanticElements: cells of a virtual grid are no table
    <div
      role="gridcell"
      id={tileId(photo.id)}
      className={classes(styles.tile, active && styles.active, goes && styles.goes, ghost && styles.ghost)}
      style={{ left, width }}
      data-photo={photo.id}
      aria-selected={selected}
    >
      <span className="heard">{labelOf(photo)}</span>
      <div className={styles.frame}>
        <Thumbnail entry={entry} waits={waits} />
        <Badges photo={photo} />
        {goes && <Trash2 aria-hidden className={styles.bin} />}
        <span className={styles.name} aria-hidden>
          {photo.filename}
        </span>
      </div>
      {ghost !== null && <span className={styles.gone}>{wordsOf(ghost)}</span>}
      <span className={styles.check} data-check aria-hidden>
        <Check />
      </span>
    </div>
  );
});

/** Which files a photo has; those that a commit would remove are struck out. One JPEG is nothing to tell of. */
function Badges({ photo }: { readonly photo: Photo }) {
  const usual = !photo.raw_available && photo.keep_jpg;
  return (
    <span className={styles.badges} data-usual={usual || undefined} aria-hidden>
      {photo.raw_available && <span className={classes(!photo.keep_raw && styles.struck)}>RAW</span>}
      {photo.jpg_available && <span className={classes(!photo.keep_jpg && styles.struck)}>JPEG</span>}
    </span>
  );
}

function wordsOf(ghost: Ghost): string {
  if (ghost.kind === "moved") return `Moved to ${ghost.to}`;
  return ghost.kind === "removed" ? "Removed" : "Matches no more";
}

/** What a reader of the screen says of a photo before what is seen in its place. */
function labelOf(photo: Photo): string {
  const kinds = [photo.raw_available && "RAW", photo.jpg_available && "JPEG"].filter(Boolean).join(" and ");
  const fate = isAllPendingDeletion(photo) && "to be removed";
  return [photo.filename, kinds, fate].filter(Boolean).join(", ");
}
