import type { KeyboardEvent } from "react";
import { useCallback, useRef, useState } from "react";
import type { Photo } from "../api/types";
import type { Entry } from "./entries";
import { photoAt, photoOnTheWay, type Way, wayOf } from "./moving";
import type { PhotoList } from "./photoList";
import type { Picking } from "./picking";
import { isThere, locate } from "./walking";

/** Space kept above and below a photo that the view is led to, so that its heading is seen as well. */
const AROUND = 64;

/** Where a key led is wanted, whatever else happens. */
const NEVER = new AbortController().signal;

/** Leads the view so far that the photo is in it, and no further. */
export function reveal(list: PhotoList, id: number): void {
  const { model } = list;
  const box = model.boxOf(id);
  if (box === null) return;
  if (box.top < model.top + AROUND) list.goTo(box.top - AROUND);
  else if (box.top + box.height > model.top + model.viewHeight - AROUND) {
    list.goTo(box.top + box.height + AROUND - model.viewHeight);
  }
}

interface KeyDeeds {
  readonly picking: Picking;
  readonly open: (photo: Photo) => void;
  readonly all: () => void;
  /** Have the thumbnail of a photo made again. */
  readonly again: (photo: Photo) => void;
  /** Escape: leave what is picked, or the mode in which a click picks. */
  readonly leave: () => void;
}

export interface GridKeys {
  /** The photo that the keyboard is at. */
  readonly active: number | null;
  readonly setActive: (id: number) => void;
  readonly onKeyDown: (event: KeyboardEvent<HTMLElement>) => void;
  /** The grid got the focus: the keyboard is at some photo in the view. */
  readonly onFocus: () => void;
}

/** Moves through the grid by keys, also to where nothing is loaded yet. */
export function useGridKeys(list: PhotoList, deeds: KeyDeeds): GridKeys {
  const [active, setActive] = useState<number | null>(null);
  const moving = useRef(false);

  const go = useCallback(
    async (way: Way, extend: boolean) => {
      if (moving.current) return; // keys that repeat faster than photos come
      moving.current = true;
      const { from, next } = await led(list, active, way).finally(() => {
        moving.current = false;
      });
      if (next === null) return;
      setActive(next.id);
      reveal(list, next.id);
      if (extend) await deeds.picking.extendTo(next, from);
    },
    [list, active, deeds],
  );

  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    if (event.target !== event.currentTarget || event.altKey) return;
    const way = event.ctrlKey || event.metaKey ? null : wayOf(event.key);
    const entry = active === null ? null : list.model.entry(active);
    const deed = way === null ? deedOf(event, entry, deeds) : () => void go(way, event.shiftKey);
    if (deed === null) return;
    event.preventDefault();
    deed();
  };

  const onFocus = () => {
    if (active !== null && list.model.find(active) !== null) return;
    void photoAt(list, 0, list.model.top + 1).then((photo) => photo !== null && setActive(photo.id));
  };

  return { active, setActive, onKeyDown, onFocus };
}

/** Where a key leads from the photo `active`, and that photo itself; into the view where there is none. */
async function led(
  list: PhotoList,
  active: number | null,
  way: Way,
): Promise<{ readonly from: Photo | null; readonly next: Photo | null }> {
  const spot = active === null ? null : await locate(list, active, NEVER);
  if (spot === null) return { from: null, next: await photoAt(list, 0, list.model.top) };
  return { from: spot.portion.entries?.[spot.index]?.photo ?? null, next: await photoOnTheWay(list, spot, way) };
}

/** What a key does, to the photo that the keyboard is at where it is about one; null for nothing. */
function deedOf(
  { key, ctrlKey, metaKey, shiftKey }: KeyboardEvent,
  entry: Entry | null,
  deeds: KeyDeeds,
): (() => void) | null {
  if (ctrlKey || metaKey) return key.toLowerCase() === "a" ? deeds.all : null;
  if (key === "Escape") return deeds.leave;
  if (entry === null || !isThere(entry)) return null;
  return deedOnPhoto(key, shiftKey, entry.photo, deeds);
}

function deedOnPhoto(key: string, shift: boolean, photo: Photo, deeds: KeyDeeds): (() => void) | null {
  if (key === "Enter") return () => deeds.open(photo);
  if (key === " ") return shift ? () => void deeds.picking.extendTo(photo) : () => deeds.picking.toggle(photo);
  if (key === "r" && photo.thumbnail_status === "failed") return () => deeds.again(photo);
  return null;
}
