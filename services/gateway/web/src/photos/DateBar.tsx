import { type KeyboardEvent, type PointerEvent, type RefObject, useMemo, useRef, useState } from "react";
import type { Sort } from "../view/search";
import styles from "./DateBar.module.css";
import type { ListModel } from "./model";
import type { PhotoList } from "./photoList";
import type { Portion } from "./portions";
import { type Mark, marksOf, type Stretch, titleAt } from "./timeline";

/** A list that is no higher than so many views needs no bar. */
const WORTH_IT = 1.5;

const NAMES: Readonly<Record<Sort, string>> = { taken_at: "Dates", filename: "Names", size: "Sizes" };

interface DateBarProps {
  readonly list: PhotoList;
  /** Whether the view has just been scrolled. */
  readonly moving: boolean;
  readonly scroller: RefObject<HTMLElement | null>;
}

/** The scroll bar of the grid: what the list is sorted by beside it, and where the view is. */
export function DateBar({ list, moving, scroller }: DateBarProps) {
  const bar = useRef<HTMLDivElement>(null);
  const [pointed, setPointed] = useState<number | null>(null);
  const [dragging, setDragging] = useState(false);
  const { model } = list;
  const { sort } = model.order;
  const way = Math.max(1, model.height - model.viewHeight);
  const at = Math.min(1, model.top / way);
  const share = model.viewHeight / Math.max(model.height, 1);
  const stretches = useStretches(list);
  const marks = useMemo(
    () => marksOf(stretches, sort, model.viewHeight, way),
    [stretches, sort, model.viewHeight, way],
  );
  if (model.height < model.viewHeight * WORTH_IT) return null;

  const partOf = (event: PointerEvent): number => {
    const box = bar.current?.getBoundingClientRect();
    return box === undefined ? 0 : Math.min(1, Math.max(0, (event.clientY - box.top) / box.height));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const to = placeByKey(event.key, list, marks);
    if (to === null) return;
    event.preventDefault();
    list.goTo(to);
  };
  const shown = dragging ? at : pointed;
  return (
    <div
      ref={bar}
      role="slider"
      tabIndex={0}
      className={styles.bar}
      data-dragging={dragging || undefined}
      data-moving={moving || undefined}
      aria-label={NAMES[sort]}
      aria-orientation="vertical"
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(at * 100)}
      aria-valuetext={titleAt(stretches, model.top, sort)}
      onKeyDown={onKeyDown}
      onWheel={(event) => scroller.current?.scrollBy({ top: event.deltaY })}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        setDragging(true);
        list.goTo(partOf(event) * way);
      }}
      onPointerMove={(event) => {
        if (dragging) list.goTo(partOf(event) * way);
        else if (event.pointerType !== "touch") setPointed(partOf(event));
      }}
      onPointerUp={() => setDragging(false)}
      onPointerCancel={() => setDragging(false)}
      onPointerLeave={() => setPointed(null)}
    >
      {marks.map((mark) => (
        <span
          key={mark.at}
          className={mark.label === null ? styles.dot : styles.label}
          style={{ top: `${mark.at * 100}%` }}
          aria-hidden
        >
          {mark.label}
        </span>
      ))}
      <span className={styles.here} style={{ top: `${at * 100}%`, translate: `0 ${-at * 100}%` }}>
        <span style={{ height: share * model.viewHeight }} />
      </span>
      {shown !== null && (
        <span className={styles.title} style={{ top: `${shown * 100}%` }} aria-hidden>
          {titleAt(stretches, shown * way, sort)}
        </span>
      )}
    </div>
  );
}

/** The list as the bar looks at it; the same until something of it is loaded, or is higher or lower. */
function useStretches(list: PhotoList): readonly Stretch[] {
  const { model } = list;
  const { height, portions, loads } = model;
  // biome-ignore lint/correctness/useExhaustiveDependencies: portions change in place, and then height or loads do
  return useMemo(
    () => portions.flatMap((portion, at) => stretchesOf(model, portion, at)),
    [model, portions, height, loads],
  );
}

/** A portion of one month is one stretch; where it has more, and is loaded, each row is one. */
function stretchesOf(model: ListModel, { entries, layout, first, last, height }: Portion, at: number): Stretch[] {
  const top = model.topOf(at);
  const oneMonth = String(first.value).slice(0, 7) === String(last).slice(0, 7);
  if (entries === null || layout === null || oneMonth) return [{ top, height, first: first.value, last }];
  return layout.rows.flatMap((row) => {
    const entry = entries[row.first];
    if (entry === undefined) return [];
    const { value } = model.keyOf(entry.photo);
    return [{ top: top + row.top, height: row.height, first: value, last: value }];
  });
}

/** Where a key leads from the view's place; null for one that leads nowhere. */
function placeByKey(key: string, { model }: PhotoList, marks: readonly Mark[]): number | null {
  const labels = marks.filter((mark) => mark.label !== null).map((mark) => mark.at * model.height);
  switch (key) {
    case "ArrowDown":
    case "ArrowRight":
      return model.top + model.viewHeight;
    case "ArrowUp":
    case "ArrowLeft":
      return model.top - model.viewHeight;
    case "PageDown":
      return labels.find((top) => top > model.top + 1) ?? model.height;
    case "PageUp":
      return labels.findLast((top) => top < model.top - 1) ?? 0;
    case "Home":
      return 0;
    case "End":
      return model.height;
    default:
      return null;
  }
}
