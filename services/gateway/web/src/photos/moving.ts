import type { Photo } from "../api/types";
import { rowOf } from "./layout";
import type { ListModel, Spot } from "./model";
import type { PhotoList } from "./photoList";
import type { Portion } from "./portions";
import { isThere, stepFrom } from "./walking";

/** Which way a key leads in the grid. */
export type Way = "left" | "right" | "up" | "down" | "start" | "end" | "pageUp" | "pageDown";

const WAYS: Readonly<Record<string, Way>> = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
  Home: "start",
  End: "end",
  PageUp: "pageUp",
  PageDown: "pageDown",
};

export function wayOf(key: string): Way | null {
  return WAYS[key] ?? null;
}

/** How much of the view stays in sight when a page is turned. */
const OF_A_PAGE = 0.85;

/** Where a key leads from the photo at `spot`, also where nothing is loaded yet; null where there is nothing. */
export async function photoOnTheWay(list: PhotoList, spot: Spot, way: Way): Promise<Photo | null> {
  const { model } = list;
  switch (way) {
    case "left":
      return stepFrom(list, spot, -1);
    case "right":
      return stepFrom(list, spot, 1);
    case "start":
      return edgeOf(list, model.portions[0], 1);
    case "end":
      return edgeOf(list, model.portions.at(-1), -1);
    case "up":
    case "down":
      return inNextRow(list, spot, way === "up" ? -1 : 1);
    default: {
      const box = boxAt(model, spot);
      const turn = model.viewHeight * OF_A_PAGE * (way === "pageUp" ? -1 : 1);
      return photoAt(list, box.x, Math.min(Math.max(box.y + turn, 0), model.height - 1));
    }
  }
}

/** The photo that is nearest to a place of the list, whose portion is loaded if need be. */
export async function photoAt(list: PhotoList, x: number, y: number): Promise<Photo | null> {
  const { model } = list;
  const portion = model.portions[model.portionAt(y)];
  if (portion === undefined) return null;
  await list.loader.ensure(portion);
  const top = model.topOf(model.portions.indexOf(portion));
  const rows = portion.layout?.rows ?? [];
  const at = rows.findIndex((row) => top + row.top + row.height > y);
  return nearestInRow(portion, at < 0 ? rows.length - 1 : at, x);
}

async function inNextRow(list: PhotoList, spot: Spot, step: 1 | -1): Promise<Photo | null> {
  const { model } = list;
  const { x } = boxAt(model, spot);
  if (spot.portion.layout === null) return null;
  const row = rowOf(spot.portion.layout, spot.index) + step;
  if (row >= 0 && row < spot.portion.layout.rows.length) return nearestInRow(spot.portion, row, x);
  const next = model.portions[model.portions.indexOf(spot.portion) + step];
  if (next === undefined) return null;
  await list.loader.ensure(next);
  return nearestInRow(next, step > 0 ? 0 : (next.layout?.rows.length ?? 0) - 1, x);
}

async function edgeOf(list: PhotoList, portion: Portion | undefined, step: 1 | -1): Promise<Photo | null> {
  if (portion === undefined) return null;
  await list.loader.ensure(portion);
  return stepFrom(list, { portion, index: step > 0 ? -1 : (portion.entries?.length ?? 0) }, step);
}

/** The middle of a photo in the list. */
function boxAt(model: ListModel, { portion, index }: Spot): { readonly x: number; readonly y: number } {
  const { layout } = portion;
  const row = layout?.rows[rowOf(layout, index)];
  const top = model.topOf(model.portions.indexOf(portion));
  const x = (layout?.lefts[index] ?? 0) + (layout?.widths[index] ?? 0) / 2;
  return { x, y: top + (row?.top ?? 0) + (row?.height ?? 0) / 2 };
}

function nearestInRow({ layout, entries }: Portion, at: number, x: number): Photo | null {
  const row = layout?.rows[at];
  if (layout == null || entries === null || row === undefined) return null;
  let best: Photo | null = null;
  let distance = Number.POSITIVE_INFINITY;
  for (let index = row.first; index < row.end; index += 1) {
    const entry = entries[index];
    const middle = (layout.lefts[index] ?? 0) + (layout.widths[index] ?? 0) / 2;
    if (entry === undefined || !isThere(entry) || Math.abs(middle - x) >= distance) continue;
    distance = Math.abs(middle - x);
    best = entry.photo;
  }
  return best;
}
