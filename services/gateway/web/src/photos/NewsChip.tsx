import { ArrowUp, Check } from "lucide-react";
import styles from "./NewsChip.module.css";
import type { PhotoList } from "./photoList";

/** Says how many photos came, or are gone, without moving what is looked at; a click takes that in. */
export function NewsChip({ list }: { readonly list: PhotoList }) {
  const words = newsOf(list);
  const takeIn = () => {
    const first = list.takeIn();
    const portion = first === null ? undefined : list.model.portionOfKey(first);
    if (first === null || portion === undefined) return;
    const top = list.model.boxOf(first.id)?.top ?? list.model.topOf(list.model.portions.indexOf(portion));
    list.goTo(top - ABOVE);
  };
  return (
    <div className={styles.place} role="status">
      {words !== "" && (
        <button type="button" className={styles.chip} onClick={takeIn}>
          {list.changes.arrivals.size > 0 ? <ArrowUp aria-hidden /> : <Check aria-hidden />}
          {words}
        </button>
      )}
    </div>
  );
}

/** So far above the first new photo the view begins, so that its heading is seen. */
const ABOVE = 64;

function newsOf(list: PhotoList): string {
  if (list.isStale) return "Much has changed: show it";
  const came = list.changes.arrivals.size;
  const gone = list.changes.ghostsInSight();
  const parts: string[] = [];
  if (came > 0) parts.push(`${came.toLocaleString("en")} new ${came === 1 ? "photo" : "photos"}`);
  if (gone > 0) parts.push(`${gone.toLocaleString("en")} gone`);
  return parts.join(", ");
}
