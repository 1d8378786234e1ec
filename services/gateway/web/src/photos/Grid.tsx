import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { sentenceOf } from "../api/problems";
import { useCan } from "../api/session";
import { say } from "../app/toasts";
import { useChangeView, useView } from "../view/useView";
import { filterOf } from "../view/view";
import { DateBar } from "./DateBar";
import styles from "./Grid.module.css";
import { type Band, type Deeds, useGestures } from "./gestures";
import { reveal, useGridKeys } from "./gridKeys";
import { NewsChip } from "./NewsChip";
import type { PhotoList } from "./photoList";
import { Picking } from "./picking";
import { processAgain } from "./RetryButton";
import { Rows } from "./Rows";
import { scrolledHeight } from "./scrolling";
import { countOf } from "./selection";
import { selectionStore, useSelection } from "./selectionStore";
import { tileId } from "./Tile";
import { useScrolling } from "./useScrolling";
import { locate } from "./walking";

/** Rows are there so far beyond the view, in heights of it. */
const BEYOND = 0.75;

const NEVER = new AbortController().signal;

/** The photos of a list in rows, of which those near the view are on the page. */
export function Grid({ list }: { readonly list: PhotoList }) {
  useSyncExternalStore(list.watch, list.version);
  const selection = useSelection();
  const scroller = useRef<HTMLDivElement>(null);
  const sheet = useRef<HTMLDivElement>(null);
  const [band, setBand] = useState<Band | null>(null);
  const { fast, moving } = useScrolling(list, scroller, sheet);
  const deeds = useDeeds(list);
  const keys = useGridKeys(list, deeds);
  const gestures = useGestures(list, sheet, { ...deeds, ...picked(keys.setActive, deeds) }, setBand);
  useReturn(list, keys.setActive, scroller);
  const { model } = list;
  const over = model.viewHeight * BEYOND;
  const slices = model.slices(model.top - over, model.top + model.viewHeight + over);
  const { active } = keys;
  const shown = active !== null && slices.some(({ portion }) => model.find(active)?.portion === portion);
  return (
    <div className={styles.area}>
      {/* biome-ignore lint/a11y/useSemanticElements: rows of a virtual grid are no table */}
      <div
        ref={scroller}
        role="grid"
        tabIndex={0}
        className={styles.scroller}
        aria-label="Photos"
        aria-multiselectable
        aria-rowcount={-1}
        aria-activedescendant={shown ? tileId(active) : undefined}
        data-selecting={deeds.picks() || undefined}
        onKeyDown={keys.onKeyDown}
        onFocus={(event) => event.target === event.currentTarget && keys.onFocus()}
        {...gestures}
      >
        <div ref={sheet} role="presentation" className={styles.sheet} style={{ height: scrolledHeight(list.window()) }}>
          {slices.map((slice) => (
            <Rows
              key={slice.portion.cursor ?? ""}
              slice={slice}
              base={model.base}
              selection={selection}
              active={active}
              waits={fast}
            />
          ))}
          {band !== null && <BandBox band={band} base={model.base} />}
        </div>
      </div>
      <NewsChip list={list} />
      <DateBar list={list} moving={moving} scroller={scroller} />
    </div>
  );
}

/** What keys and pointers do; the same object as long as nothing about it changes. */
function useDeeds(list: PhotoList) {
  const view = useView();
  const change = useChangeView();
  const can = useCan();
  const picking = useMemo(() => new Picking(list), [list]);
  return useMemo(() => {
    const picks = () => view.selecting || countOf(selectionStore.get()) > 0;
    return {
      picking,
      picks,
      open: ({ id }: { readonly id: number }) => change({ photo: id }),
      all: () => void picking.all(filterOf(view)),
      again: ({ id }: { readonly id: number }) => {
        if (can("editor")) processAgain(id).catch((error: unknown) => say(sentenceOf(error), { tone: "failed" }));
      },
      pickMode: () => change({ select: true }, { replace: true }),
      leave: () => {
        if (countOf(selectionStore.get()) > 0) picking.clear();
        else if (view.selecting) change({ select: undefined }, { replace: true });
      },
    };
  }, [picking, view, change, can]);
}

/** What pointers do to photos: the keyboard goes on from the photo that was clicked. */
function picked(setActive: (id: number) => void, deeds: ReturnType<typeof useDeeds>): Deeds {
  const { picking } = deeds;
  return {
    picks: deeds.picks,
    open: (photo) => {
      setActive(photo.id);
      deeds.open(photo);
    },
    toggle: (photo) => {
      setActive(photo.id);
      picking.toggle(photo);
    },
    extendTo: (photo) => {
      setActive(photo.id);
      void picking.extendTo(photo);
    },
    pickMode: (photo) => {
      deeds.pickMode();
      picking.toggle(photo);
    },
    beginOver: (adds) => picking.beginOver(adds),
    extendOver: (refs) => picking.extendOver(refs),
  };
}

/** When the viewer closes, the keyboard is at the photo that was in it, and the view shows that. */
function useReturn(
  list: PhotoList,
  setActive: (id: number) => void,
  scroller: { readonly current: HTMLElement | null },
): void {
  const { photo } = useView();
  const before = useRef(photo);
  const back = useCallback(
    async (id: number) => {
      setActive(id);
      scroller.current?.focus({ preventScroll: true });
      if ((await locate(list, id, NEVER)) !== null) reveal(list, id);
    },
    [list, setActive, scroller],
  );
  useEffect(() => {
    const left = before.current;
    before.current = photo;
    if (photo === null && left !== null) void back(left);
  }, [photo, back]);
}

function BandBox({ band, base }: { readonly band: Band; readonly base: number }) {
  const { left, top, right, bottom } = band;
  return <div className={styles.band} style={{ left, top: top - base, width: right - left, height: bottom - top }} />;
}
