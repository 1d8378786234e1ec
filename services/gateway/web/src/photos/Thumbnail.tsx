import { CircleSlash2, FileQuestionMark, ImageOff, LoaderCircle } from "lucide-react";
import { type ReactNode, useCallback, useState } from "react";
import type { Photo } from "../api/types";
import type { Entry } from "./entries";
import { RetryButton } from "./RetryButton";
import { reasonInWords } from "./reasonWords";
import styles from "./Thumbnail.module.css";

interface ThumbnailProps {
  readonly entry: Entry;
  /** Whether to wait before loading it, since it is about to be scrolled by. */
  readonly waits: boolean;
}

/** The thumbnail of a photo, or why there is none. */
export function Thumbnail({ entry, waits }: ThumbnailProps) {
  const { photo, pictureVersion } = entry;
  if (photo.thumbnail_status !== "generated") return <Without photo={photo} />;
  return <Picture key={`${photo.id}:${pictureVersion}`} id={photo.id} version={pictureVersion} waits={waits} />;
}

interface PictureProps {
  readonly id: number;
  readonly version: number;
  readonly waits: boolean;
}

function Picture({ id, version, waits }: PictureProps) {
  const [wanted, setWanted] = useState(!waits);
  const [missing, setMissing] = useState(false);
  if (!waits && !wanted) setWanted(true);
  const load = useCallback((image: HTMLImageElement) => {
    if (image.complete && image.naturalWidth > 0) image.dataset.shown = "at once";
    return () => image.removeAttribute("src"); // one that has scrolled by need not be loaded any more
  }, []);
  if (missing) return <Reason icon={<ImageOff aria-hidden />}>The thumbnail could not be loaded</Reason>;
  if (!wanted) return null;
  return (
    <img
      ref={load}
      className={styles.picture}
      src={`/api/photos/${id}/thumbnail?v=${version}`}
      alt=""
      decoding="async"
      draggable={false}
      onLoad={(event) => {
        event.currentTarget.dataset.shown ??= "";
      }}
      onError={(event) => {
        if (event.currentTarget.hasAttribute("src")) setMissing(true);
      }}
    />
  );
}

function Without({ photo }: { readonly photo: Photo }) {
  switch (photo.thumbnail_status) {
    case "pending":
      return (
        <Reason quiet icon={<LoaderCircle aria-hidden className={styles.working} />}>
          <span className="heard">The thumbnail is being made</span>
        </Reason>
      );
    case "failed":
      return (
        <Reason icon={<ImageOff aria-hidden />} action={<RetryButton photo={photo} />}>
          {reasonInWords(photo.derivative_reason)}
        </Reason>
      );
    case "not_supported":
      return <Reason icon={<CircleSlash2 aria-hidden />}>Files of this kind have no thumbnail</Reason>;
    default:
      return <Reason icon={<FileQuestionMark aria-hidden />}>The file is missing</Reason>;
  }
}

interface ReasonProps {
  readonly icon: ReactNode;
  readonly children: ReactNode;
  readonly action?: ReactNode;
  readonly quiet?: boolean;
}

function Reason({ icon, children, action, quiet = false }: ReasonProps) {
  return (
    <div className={styles.reason} data-quiet={quiet || undefined}>
      {icon}
      <p>{children}</p>
      {action}
    </div>
  );
}
