import { ChevronLeft, ChevronRight, CircleHelp, Info, X } from "lucide-react";
import { lazy, Suspense, useEffect, useState } from "react";
import { createPortal } from "react-dom";
import { sentenceOf } from "../api/problems";
import { useCan } from "../api/session";
import type { Photo, Schemas } from "../api/types";
import { Button, IconButton } from "../app/ui/Button";
import { useChangeView } from "../view/useView";
import { FateNotice } from "./FateNotice";
import type { Command } from "./keys";
import { availableKinds, isKept, type Kind, keepOf, saidOf } from "./kinds";
import { Panel } from "./Panel";
import { Stage } from "./Stage";
import { neighbour, photoIn, placeOf, type Strip } from "./strip";
import { TAG_FIELD } from "./TagsSection";
import { useCommands } from "./useCommands";
import { useOverAll } from "./useOverAll";
import { usePanel } from "./usePanel";
import { usePhoto } from "./usePhoto";
import { type Addresses, usePictures } from "./usePictures";
import { useSaying } from "./useSaying";
import { useListCount, useStrip } from "./useStrip";
import styles from "./Viewer.module.css";
import { originalAddress, readableFile } from "./words";

const HelpDialog = lazy(() => import("./HelpDialog").then((part) => ({ default: part.HelpDialog })));

interface ViewerProps {
  readonly photoId: number;
  /** The list that its neighbours are of. */
  readonly projectFilter: string | null;
  readonly onClose: () => void;
}

/** One photo over the whole screen, with its neighbours a key or a swipe away, and what is known of it beside it. */
export function Viewer({ photoId, onClose }: ViewerProps) {
  const change = useChangeView();
  const can = useCan();
  const { photo: detail, error, again, fate } = usePhoto(photoId);
  const strip = useStrip(photoId);
  const picturesOf = usePictures();
  const panel = usePanel();
  const [helping, setHelping] = useState(false);
  const [said, setSaid] = useState("");
  const { keep } = useSaying(photoId);
  const root = useOverAll();
  const photo = detail ?? (strip === null ? undefined : photoIn(strip, photoId));
  const step = (by: 1 | -1) => {
    const next = strip === null ? undefined : neighbour(strip, photoId, by);
    if (next !== undefined) change({ photo: next.id }, { replace: true });
  };
  const mark = (kinds: readonly Kind[], kept: boolean) => {
    if (!can("editor") || kinds.length === 0) return;
    keep.mutate(keepOf(kinds, kept), { onSuccess: () => setSaid(saidOf(kinds, kept)) });
  };
  useCommands((command) => {
    const orders: Partial<Record<Command, () => void>> = {
      close: onClose,
      next: () => step(1),
      previous: () => step(-1),
      info: () => panel.turn("info"),
      history: () => panel.turn("history"),
      tags: () => panel.open("info", TAG_FIELD),
      help: () => setHelping(true),
      ...(detail !== undefined && ordersFor(detail, mark)),
    };
    orders[command]?.();
  });
  const before = strip === null ? undefined : neighbour(strip, photoId, -1);
  const behind = strip === null ? undefined : neighbour(strip, photoId, 1);
  usePreloaded(before, behind, picturesOf);
  return createPortal(
    <div
      ref={root}
      role="dialog"
      aria-modal="true"
      aria-label={photo?.filename ?? "Photo"}
      tabIndex={-1}
      className={styles.viewer}
    >
      <header className={styles.head}>
        <IconButton label="Close" onClick={onClose}>
          <X aria-hidden />
        </IconButton>
        <Title photo={photo} strip={strip} />
        <IconButton label="Keys" className={styles.keys} onClick={() => setHelping(true)}>
          <CircleHelp aria-hidden />
        </IconButton>
        <IconButton label="About this photo" aria-pressed={panel.tab !== null} onClick={() => panel.toggle()}>
          <Info aria-hidden />
        </IconButton>
      </header>
      <div className={styles.body} data-panel={panel.tab !== null || undefined}>
        <div className={styles.ground}>
          {photo !== undefined && (
            <Stage key={photo.id} photo={photo} detail={detail} pictures={picturesOf(photo)} onStep={step} />
          )}
          {photo === undefined && error !== null && (
            <div className={styles.error} role="alert">
              <p>{sentenceOf(error)}</p>
              <Button onClick={() => void again()}>Try again</Button>
            </div>
          )}
          <FateNotice fate={fate} />
          <Step label="Previous photo" side="before" there={before !== undefined} onClick={() => step(-1)} />
          <Step label="Next photo" side="behind" there={behind !== undefined} onClick={() => step(1)} />
        </div>
        {panel.tab !== null && detail !== undefined && (
          <Panel photo={detail} tab={panel.tab} onTab={panel.open} onKept={(kind, kept) => mark([kind], kept)} />
        )}
      </div>
      <p className="heard" role="status">
        {said}
      </p>
      <Suspense>{helping && <HelpDialog onClose={() => setHelping(false)} />}</Suspense>
    </div>,
    document.body,
  );
}

/** What keys do with a photo whose files are known. */
function ordersFor(
  photo: Schemas["PhotoDetail"],
  mark: (kinds: readonly Kind[], kept: boolean) => void,
): Partial<Record<Command, () => void>> {
  const kinds = availableKinds(photo);
  const turn = (kind: Kind) => mark(kinds.includes(kind) ? [kind] : [], !isKept(photo, kind));
  return {
    "keep all": () => mark(kinds, true),
    "remove all": () => mark(kinds, false),
    jpg: () => turn("jpg"),
    raw: () => turn("raw"),
    other: () => turn("other"),
    download: () => download(photo),
  };
}

function download({ id, files }: Schemas["PhotoDetail"]): void {
  const name = readableFile(files) ?? files[0]?.name;
  if (name === undefined) return;
  const link = document.createElement("a");
  link.href = originalAddress(id, name, true);
  link.download = name;
  link.click();
}

interface TitleProps {
  readonly photo: Photo | undefined;
  readonly strip: Strip | null;
}

function Title({ photo, strip }: TitleProps) {
  const count = useListCount();
  const place = photo === undefined || strip === null ? null : placeOf(strip, photo.id);
  const marked = photo !== undefined && availableKinds(photo).some((kind) => !isKept(photo, kind));
  return (
    <div className={styles.title}>
      <h2>{photo?.filename}</h2>
      {photo?.jpg_available && <span className={styles.badge}>JPEG</span>}
      {photo?.raw_available && <span className={styles.badge}>RAW</span>}
      {marked && <span className={styles.marked}>Marked for removal</span>}
      {place !== null && (
        <small className={styles.place}>
          {place.toLocaleString("en")}
          {count !== undefined && ` of ${count.toLocaleString("en")}`}
        </small>
      )}
    </div>
  );
}

interface StepProps {
  readonly label: string;
  readonly side: "before" | "behind";
  readonly there: boolean;
  readonly onClick: () => void;
}

function Step({ label, side, there, onClick }: StepProps) {
  if (!there) return null;
  return (
    <IconButton label={label} className={styles[side]} onClick={onClick}>
      {side === "before" ? <ChevronLeft aria-hidden /> : <ChevronRight aria-hidden />}
    </IconButton>
  );
}

/** Has the browser load the previews on both sides, so that a step shows one at once. */
function usePreloaded(
  before: Photo | undefined,
  behind: Photo | undefined,
  picturesOf: (photo: Photo) => Addresses,
): void {
  const addresses = [behind, before].map((photo) => (photo === undefined ? null : picturesOf(photo).preview));
  const [first, second] = addresses;
  useEffect(() => {
    for (const address of [first, second]) {
      if (address != null) new Image().src = address;
    }
  }, [first, second]);
}
