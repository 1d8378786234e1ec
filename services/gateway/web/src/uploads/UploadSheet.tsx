import { ChevronDown, ChevronUp, CloudOff, Pause, Play, TriangleAlert, X } from "lucide-react";
import { lazy, Suspense, useEffect, useState } from "react";
import { Button, IconButton } from "../app/ui/Button";
import { Progress } from "../app/ui/Progress";
import { FileList } from "./FileList";
import { Interrupted } from "./Interrupted";
import styles from "./UploadSheet.module.css";
import { uploads } from "./uploads";
import type { UploadView } from "./view";
import { announcementOf, bytesWords, endWords, files, titleOf, troubleWords } from "./words";

const ConflictDialog = lazy(() => import("./ConflictDialog").then((part) => ({ default: part.ConflictDialog })));

interface Props {
  readonly view: UploadView;
}

/** The uploads of this tab, at the foot of every view; folded, it is one line. */
export function UploadSheet({ view }: Props) {
  const [folded, setFolded] = useState(false);
  const [asked, setAsked] = useState(false);
  const title = titleOf(view);
  useEffect(() => void import("./ConflictDialog"), []); // so that it is there when the server is not
  return (
    <>
      <section className={styles.sheet} aria-label="Uploads" data-folded={folded || undefined}>
        <header className={styles.head}>
          <h2>{title}</h2>
          {folded && <span className={styles.part}>{percent(view)}</span>}
          <Controls view={view} />
          <IconButton label={folded ? "Show more" : "Show less"} onClick={() => setFolded(!folded)}>
            {folded ? <ChevronUp aria-hidden /> : <ChevronDown aria-hidden />}
          </IconButton>
          {view.open === 0 && (
            <IconButton label="Close" onClick={() => uploads.engine?.clear()}>
              <X aria-hidden />
            </IconButton>
          )}
        </header>
        {view.open > 0 && view.tally.bytes > 0 && (
          <Progress
            label={folded ? "Uploaded" : bytesWords(view)}
            labelled={!folded}
            done={view.tally.sent}
            total={view.tally.bytes}
          />
        )}
        {!folded && <Inside view={view} onAsk={() => setAsked(true)} />}
        <Announcements view={view} />
      </section>
      {asked && view.asking.total > 0 && (
        <Suspense>
          <ConflictDialog asking={view.asking} onClose={() => setAsked(false)} />
        </Suspense>
      )}
    </>
  );
}

/** Pause and go on. */
function Controls({ view: { phase } }: Props) {
  if (phase === "paused") {
    return (
      <IconButton label="Go on" onClick={() => uploads.engine?.resume()}>
        <Play aria-hidden />
      </IconButton>
    );
  }
  if (phase !== "sending" && phase !== "checking" && phase !== "waiting") return null;
  return (
    <IconButton label="Pause" onClick={() => uploads.engine?.pause()}>
      <Pause aria-hidden />
    </IconButton>
  );
}

function Inside({ view, onAsk }: Props & { readonly onAsk: () => void }) {
  const { thumbnails, phase, trouble, asking, failed, refused, skipped, open } = view;
  return (
    <div className={styles.inside}>
      {phase === "waiting" && trouble !== null && (
        <p className={styles.notice}>
          <CloudOff aria-hidden />
          {troubleWords(trouble)}
        </p>
      )}
      {asking.total > 0 && (
        <p className={styles.notice}>
          <TriangleAlert aria-hidden />
          <span>{files(asking.total)} with a name that is taken</span>
          <Button look="primary" onClick={onAsk}>
            Decide
          </Button>
        </p>
      )}
      {view.lost.map((drop) => (
        <Interrupted key={drop.id} drop={drop} />
      ))}
      {thumbnails.total > 0 && (
        <Progress
          labelled
          label={thumbnailWords(thumbnails)}
          done={thumbnails.made + thumbnails.failed}
          total={thumbnails.total}
        />
      )}
      {open === 0 && <p className={styles.end}>{endWords(view)}</p>}
      <FileList title="Failed" listed={failed} open>
        <Button onClick={() => uploads.engine?.retry()}>Try again</Button>
      </FileList>
      <FileList title="Not taken" listed={refused} open />
      <FileList title="Skipped" listed={skipped} />
      {open > 0 && (
        <div className={styles.foot}>
          <Button look="quiet" onClick={() => uploads.engine?.cancel()}>
            Cancel the rest
          </Button>
        </div>
      )}
    </div>
  );
}

/** Read out when something else is up: not each file, and not each percent. */
function Announcements({ view }: Props) {
  const key = `${view.phase} ${view.trouble} ${view.drops.length}`;
  const [said, setSaid] = useState({ key: "", text: "" });
  if (said.key !== key) setSaid({ key, text: announcementOf(view) });
  return (
    <p className="heard" role="status">
      {said.text}
    </p>
  );
}

function thumbnailWords({ made, failed, total }: UploadView["thumbnails"]): string {
  const words = `Thumbnails: ${made.toLocaleString("en")} of ${total.toLocaleString("en")}`;
  return failed === 0 ? words : `${words}, ${failed.toLocaleString("en")} failed`;
}

function percent({ tally, open }: UploadView): string {
  if (open === 0 || tally.bytes === 0) return "";
  return `${Math.floor((tally.sent / tally.bytes) * 100)} %`;
}
