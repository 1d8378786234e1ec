import {
  type MouseEvent,
  type PointerEvent,
  type RefObject,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { FITS, type Frame, kept, type Point, panned, type Size, toggled, type Zoom, zoomedBy } from "./zoom";

const NOWHERE: Size = { width: 0, height: 0 };

/** A finger that moves so far to the side, in CSS pixels, wants the next photo. */
const SWIPE = 56;
/** Of a wheel's way, by how much one comes nearer. */
const WHEEL = 0.002;

export interface Zooming {
  readonly zoom: Zoom;
  readonly frame: Frame;
  readonly set: (change: (zoom: Zoom, frame: Frame) => Zoom) => void;
  readonly gestures: {
    readonly onPointerDown: (event: PointerEvent<HTMLElement>) => void;
    readonly onPointerMove: (event: PointerEvent<HTMLElement>) => void;
    readonly onPointerUp: (event: PointerEvent<HTMLElement>) => void;
    readonly onPointerCancel: (event: PointerEvent<HTMLElement>) => void;
    readonly onDoubleClick: (event: MouseEvent<HTMLElement>) => void;
  };
}

/** Zoom and pan of the photo on a stage by wheel, pointer and two fingers; a swipe over one that is not zoomed steps on. */
export function useZoom(stage: RefObject<HTMLElement | null>, photo: Size, onSwipe: (step: 1 | -1) => void): Zooming {
  const size = useSizeOf(stage);
  const [zoom, setZoom] = useState<Zoom>(FITS);
  const frame: Frame = { stage: size, photo, density: globalThis.devicePixelRatio || 1 };
  const newest = useRef(frame);
  const fingers = useRef(new Map<number, Point>());
  const began = useRef<Point | null>(null);
  useLayoutEffect(() => {
    newest.current = frame;
  });
  const set: Zooming["set"] = (change) => setZoom((before) => change(before, newest.current));
  const fromMiddle = ({ clientX, clientY }: { readonly clientX: number; readonly clientY: number }): Point => {
    const box = stage.current?.getBoundingClientRect();
    if (box === undefined) return { x: 0, y: 0 };
    return { x: clientX - box.left - box.width / 2, y: clientY - box.top - box.height / 2 };
  };
  useWheel(stage, (event) => {
    const factor = Math.exp(-event.deltaY * (event.ctrlKey ? WHEEL * 5 : WHEEL));
    const at = fromMiddle(event);
    set((before, now) => zoomedBy(before, factor, at, now));
  });
  const end = (event: PointerEvent<HTMLElement>) => {
    const at = fromMiddle(event);
    const swipe = began.current === null ? null : swipeOf(began.current, at);
    fingers.current.delete(event.pointerId);
    if (swipe !== null && event.pointerType === "touch" && zoom.scale === null) onSwipe(swipe);
    began.current = null;
  };
  return {
    zoom: kept(zoom, frame),
    frame,
    set,
    gestures: {
      onPointerDown: (event) => {
        // A pointer that is captured would click on nothing else.
        if (event.button !== 0 || isControl(event.target)) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        fingers.current.set(event.pointerId, fromMiddle(event));
        began.current = fingers.current.size === 1 ? fromMiddle(event) : null;
      },
      onPointerMove: (event) => {
        const before = fingers.current.get(event.pointerId);
        if (before === undefined) return;
        const at = fromMiddle(event);
        const [other] = [...fingers.current].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
        fingers.current.set(event.pointerId, at);
        set((zoomed, now) => moved(zoomed, before, at, other, now));
      },
      onPointerUp: end,
      onPointerCancel: (event) => {
        fingers.current.delete(event.pointerId);
        began.current = null;
      },
      onDoubleClick: (event) => {
        if (isControl(event.target)) return;
        const at = fromMiddle(event);
        set((before, now) => toggled(before, at, now));
      },
    },
  };
}

function isControl(target: EventTarget): boolean {
  return target instanceof Element && target.closest("button, a") !== null;
}

/** One finger pans; of two, how far they are apart zooms, around the one that stays. */
function moved(zoom: Zoom, from: Point, to: Point, other: Point | undefined, frame: Frame): Zoom {
  if (other === undefined) return panned(zoom, { x: to.x - from.x, y: to.y - from.y }, frame);
  const apart = (point: Point) => Math.max(1, Math.hypot(point.x - other.x, point.y - other.y));
  return zoomedBy(zoom, apart(to) / apart(from), other, frame);
}

function swipeOf(from: Point, to: Point): 1 | -1 | null {
  const x = to.x - from.x;
  if (Math.abs(x) < SWIPE || Math.abs(x) < 1.5 * Math.abs(to.y - from.y)) return null;
  return x < 0 ? 1 : -1;
}

function useSizeOf(element: RefObject<HTMLElement | null>): Size {
  const [size, setSize] = useState<Size>(NOWHERE);
  useLayoutEffect(() => {
    const shown = element.current;
    if (shown === null) return undefined;
    const measure = () => setSize({ width: shown.clientWidth, height: shown.clientHeight });
    measure();
    const watcher = new ResizeObserver(measure);
    watcher.observe(shown);
    return () => watcher.disconnect();
  }, [element]);
  return size;
}

/** React listens to wheels passively, so that the page would scroll, or zoom as a whole, all the same. */
function useWheel(element: RefObject<HTMLElement | null>, turned: (event: WheelEvent) => void): void {
  const newest = useRef(turned);
  useLayoutEffect(() => {
    newest.current = turned;
  });
  useEffect(() => {
    const shown = element.current;
    const listen = (event: WheelEvent) => {
      event.preventDefault();
      newest.current(event);
    };
    shown?.addEventListener("wheel", listen, { passive: false });
    return () => shown?.removeEventListener("wheel", listen);
  }, [element]);
}
