import { type MouseEvent, type PointerEvent, useMemo, useRef } from "react";
import type { Photo } from "../api/types";
import { refOf } from "./entries";
import type { PhotoList } from "./photoList";
import type { PhotoRef } from "./photoRef";
import { seenBetween } from "./sight";
import { isThere } from "./walking";

/** How long a finger rests on a photo until that is picked, in milliseconds. */
const RESTS = 450;
/** How far a pointer moves until it drags, in CSS pixels. */
const DRAGS = 8;
/** How near to an edge of the view a drag scrolls, and how far at most in a frame, in CSS pixels. */
const EDGE = 56;
const MOST_A_FRAME = 24;

/** What pointers do to photos. */
export interface Deeds {
  readonly open: (photo: Photo) => void;
  readonly toggle: (photo: Photo) => void;
  readonly extendTo: (photo: Photo) => void;
  /** A finger rested on a photo: from now on a touch picks. */
  readonly pickMode: (photo: Photo) => void;
  readonly beginOver: (adds: boolean) => void;
  readonly extendOver: (refs: readonly PhotoRef[]) => void;
  /** Whether a click picks instead of opening. */
  readonly picks: () => boolean;
}

/** A rectangle that is dragged, in the list. */
export interface Band {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

interface Held {
  readonly pointer: number;
  readonly x: number;
  /** In the list. */
  readonly y: number;
  readonly adds: boolean;
  clientX: number;
  clientY: number;
  dragging: boolean;
  frame: number;
}

/** The photos that a band touches, as far as they are loaded. */
export function refsIn(list: PhotoList, band: Band): PhotoRef[] {
  const refs: PhotoRef[] = [];
  for (const { entry, left, top, width, height } of seenBetween(list.model, band.top, band.bottom)) {
    const across = left < band.right && left + width > band.left;
    const along = top < band.bottom && top + height > band.top;
    if (across && along && isThere(entry)) refs.push(refOf(entry.photo));
  }
  return refs;
}

interface GestureHandlers {
  readonly onClick: (event: MouseEvent<HTMLElement>) => void;
  readonly onContextMenu: (event: MouseEvent<HTMLElement>) => void;
  readonly onPointerDown: (event: PointerEvent<HTMLElement>) => void;
  readonly onPointerMove: (event: PointerEvent<HTMLElement>) => void;
  readonly onPointerUp: (event: PointerEvent<HTMLElement>) => void;
  readonly onPointerCancel: (event: PointerEvent<HTMLElement>) => void;
}

/** Clicks, drags and long touches on the grid; `sheet` is what rows stand in, `onBand` is told what is dragged. */
export function useGestures(
  list: PhotoList,
  sheet: { readonly current: HTMLElement | null },
  deeds: Deeds,
  onBand: (band: Band | null) => void,
): GestureHandlers {
  const newest = useRef(deeds);
  newest.current = deeds;
  return useMemo(() => new Gestures(list, sheet, newest, onBand).handlers, [list, sheet, onBand]);
}

class Gestures {
  readonly #list: PhotoList;
  readonly #sheet: { readonly current: HTMLElement | null };
  readonly #deeds: { readonly current: Deeds };
  readonly #onBand: (band: Band | null) => void;
  #held: Held | null = null;
  #rest: ReturnType<typeof setTimeout> | undefined;
  /** Whether the click that follows belongs to a drag or a long touch. */
  #done = false;

  constructor(
    list: PhotoList,
    sheet: { readonly current: HTMLElement | null },
    deeds: { readonly current: Deeds },
    onBand: (band: Band | null) => void,
  ) {
    this.#list = list;
    this.#sheet = sheet;
    this.#deeds = deeds;
    this.#onBand = onBand;
  }

  get handlers(): GestureHandlers {
    return {
      onClick: (event) => this.#click(event),
      onContextMenu: (event) => this.#contextMenu(event),
      onPointerDown: (event) => this.#down(event),
      onPointerMove: (event) => this.#move(event),
      onPointerUp: () => this.#up(),
      onPointerCancel: () => this.#up(),
    };
  }

  #click(event: MouseEvent<HTMLElement>): void {
    if (this.#done) {
      this.#done = false;
      return;
    }
    const { target } = event;
    const photo = this.#photoOf(target);
    if (photo === null || (target instanceof Element && target.closest("[data-retry]") !== null)) return;
    const onCheck = target instanceof Element && target.closest("[data-check]") !== null;
    const deeds = this.#deeds.current;
    if (event.shiftKey) deeds.extendTo(photo);
    else if (event.ctrlKey || event.metaKey || onCheck || deeds.picks()) deeds.toggle(photo);
    else deeds.open(photo);
  }

  /** A long touch picks; the menu of the browser would hide that. */
  #contextMenu(event: MouseEvent<HTMLElement>): void {
    if (this.#rest !== undefined || this.#done) event.preventDefault();
  }

  #down(event: PointerEvent<HTMLElement>): void {
    this.#done = false;
    if (!event.isPrimary || event.button !== 0) return;
    if (event.pointerType === "touch") {
      this.#touch(event);
      return;
    }
    if (event.target instanceof Element && event.target.closest("button") !== null) return;
    const { x, y } = this.#placeOf(event.clientX, event.clientY);
    const adds = event.ctrlKey || event.metaKey || event.shiftKey || this.#deeds.current.picks();
    const { pointerId: pointer, clientX, clientY } = event;
    this.#held = { pointer, x, y, adds, clientX, clientY, dragging: false, frame: 0 };
  }

  #touch(event: PointerEvent<HTMLElement>): void {
    const photo = this.#photoOf(event.target);
    if (photo === null) return;
    this.#rest = setTimeout(() => {
      this.#rest = undefined;
      this.#done = true;
      this.#deeds.current.pickMode(photo);
    }, RESTS);
  }

  #move(event: PointerEvent<HTMLElement>): void {
    const held = this.#held;
    if (held === null || event.pointerId !== held.pointer) return;
    const moved = Math.hypot(event.clientX - held.clientX, event.clientY - held.clientY);
    if (!held.dragging && moved < DRAGS) return;
    if (!held.dragging) {
      held.dragging = true;
      event.currentTarget.setPointerCapture(held.pointer);
      this.#deeds.current.beginOver(held.adds);
      held.frame = requestAnimationFrame(() => this.#drag());
    }
    held.clientX = event.clientX;
    held.clientY = event.clientY;
  }

  /** Once a frame: what the band holds is picked, and near an edge the view moves on. */
  #drag(): void {
    const held = this.#held;
    if (held === null) return;
    this.#scrollAtEdge(held.clientY);
    const { x, y } = this.#placeOf(held.clientX, held.clientY);
    const band = {
      left: Math.min(x, held.x),
      right: Math.max(x, held.x),
      top: Math.min(y, held.y),
      bottom: Math.max(y, held.y),
    };
    this.#onBand(band);
    this.#deeds.current.extendOver(refsIn(this.#list, band));
    held.frame = requestAnimationFrame(() => this.#drag());
  }

  #scrollAtEdge(clientY: number): void {
    const scroller = this.#sheet.current?.parentElement;
    if (scroller == null) return;
    const { top, bottom } = scroller.getBoundingClientRect();
    const over = Math.max(0, clientY - (bottom - EDGE)) - Math.max(0, top + EDGE - clientY);
    if (over !== 0) scroller.scrollTop += Math.max(-MOST_A_FRAME, Math.min(MOST_A_FRAME, over / 2));
  }

  #up(): void {
    clearTimeout(this.#rest);
    this.#rest = undefined;
    if (this.#held?.dragging) {
      cancelAnimationFrame(this.#held.frame);
      this.#done = true;
      this.#onBand(null);
    }
    this.#held = null;
  }

  #placeOf(clientX: number, clientY: number): { readonly x: number; readonly y: number } {
    const box = this.#sheet.current?.getBoundingClientRect();
    return { x: clientX - (box?.left ?? 0), y: clientY - (box?.top ?? 0) + this.#list.model.base };
  }

  #photoOf(target: EventTarget | null): Photo | null {
    const tile = target instanceof Element ? target.closest<HTMLElement>("[data-photo]") : null;
    const entry = tile === null ? null : this.#list.model.entry(Number(tile.dataset.photo));
    return entry !== null && isThere(entry) ? entry.photo : null;
  }
}
