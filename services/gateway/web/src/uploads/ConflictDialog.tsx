import { useEffect, useState } from "react";
import { bytesInWords } from "../actions/bytes";
import { type Pictures, usePictures } from "../actions/pictures";
import { Button } from "../app/ui/Button";
import { Dialog } from "../app/ui/Dialog";
import styles from "./ConflictDialog.module.css";
import type { Clash, Item } from "./item";
import { choicesFor } from "./judging";
import { uploads } from "./uploads";
import type { Listed } from "./view";
import { choiceWords, files, kindWords } from "./words";

interface ConflictDialogProps {
  readonly asking: Listed;
  readonly onClose: () => void;
}

/** Asks what to do about files whose names are taken: one by one, or for all of a kind. */
export function ConflictDialog({ asking, onClose }: ConflictDialogProps) {
  const pictures = usePictures(asking.items.flatMap(({ clash }) => clash?.photoId ?? []));
  const more = asking.total - asking.items.length;
  return (
    <Dialog wide title="Some names are taken" onClose={onClose} actions={<Button onClick={onClose}>Later</Button>}>
      <Kind kind="here" items={asking.items} pictures={pictures} />
      <Kind kind="elsewhere" items={asking.items} pictures={pictures} />
      {more > 0 && <p className={styles.more}>{files(more)} more follow; an answer for all is for them too.</p>}
    </Dialog>
  );
}

interface KindProps {
  readonly kind: Clash["kind"];
  readonly items: readonly Item[];
  readonly pictures: Pictures;
}

function Kind({ kind, items, pictures }: KindProps) {
  const all = items.filter(({ clash }) => clash?.kind === kind);
  const [first] = all;
  if (first?.clash == null) return null;
  return (
    <section className={styles.kind} aria-label={kindWords(kind, all.length)}>
      <header className={styles.head}>
        <h3>{kindWords(kind, all.length)}</h3>
        {/* biome-ignore lint/a11y/useSemanticElements: a fieldset cannot be laid out in a line everywhere */}
        <div role="group" aria-label="For all of them" className={styles.choices}>
          <span>For all:</span>
          {choicesFor(first.clash).map((choice) => (
            <Button key={choice} onClick={() => uploads.engine?.answerAll(kind, choice)}>
              {choiceWords(choice)}
            </Button>
          ))}
        </div>
      </header>
      <ul className={styles.files}>
        {all.map((item) => (
          <Clashing key={item.id} item={item} pictures={pictures} />
        ))}
      </ul>
    </section>
  );
}

/** One file beside the photo that has its name. */
function Clashing({ item, pictures }: { readonly item: Item; readonly pictures: Pictures }) {
  const { clash } = item;
  const own = useOwnPicture(item);
  if (clash === null) return null;
  return (
    <li className={styles.file}>
      <Picture source={clash.photoId === null ? undefined : pictures.get(clash.photoId)} says="there already" />
      <Picture source={own} says="new" />
      <div className={styles.about}>
        <strong>{item.path}</strong>
        <small>
          {bytesInWords(item.size)}
          {clash.projectFolder !== null && ` · the other is in ${clash.projectFolder}`}
        </small>
        {/* biome-ignore lint/a11y/useSemanticElements: a fieldset cannot be laid out in a line everywhere */}
        <div role="group" aria-label={item.path} className={styles.choices}>
          {choicesFor(clash).map((choice) => (
            <Button key={choice} onClick={() => uploads.engine?.answer(item.id, choice)}>
              {choiceWords(choice)}
            </Button>
          ))}
        </div>
      </div>
    </li>
  );
}

function Picture({ source, says }: { readonly source: string | undefined; readonly says: string }) {
  return (
    <figure className={styles.picture}>
      {source === undefined ? <span /> : <img src={source} alt="" />}
      <figcaption>{says}</figcaption>
    </figure>
  );
}

/** What the browser can show by itself; a RAW is seen only once the server has read it. */
const SHOWN = new Set(["image/jpeg", "image/png", "image/webp", "image/gif", "image/avif"]);

function useOwnPicture(item: Item): string | undefined {
  const [address, setAddress] = useState<string>();
  useEffect(() => {
    const file = uploads.engine?.files.get(item.id);
    if (file === undefined || !SHOWN.has(file.type)) return undefined;
    const made = URL.createObjectURL(file);
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [item.id]);
  return address;
}
