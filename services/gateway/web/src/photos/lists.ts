import { useEffect, useMemo } from "react";
import { useLiveLine } from "../live/LiveProvider";
import type { Line } from "../live/line";
import { useView } from "../view/useView";
import { filterOf, type ListQuery, listQueryOf, type View } from "../view/view";
import { PhotoList } from "./photoList";
import { selectionStore } from "./selectionStore";
import { ListSource } from "./source";

/** So many lists are remembered with where they were looked at, for those who go back. */
const REMEMBERED = 4;

/** The lists of each session, those that were looked at last behind the others. */
const lists = new WeakMap<Line, Map<string, PhotoList>>();

/** The list of photos that the address says. All who ask in one view get the same; `useReadList` has it read. */
export function useListOfView(): PhotoList {
  const line = useLiveLine();
  const view = useView();
  const query = listQueryOf(view);
  const name = JSON.stringify(query);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the name says all of the view that is about the list
  return useMemo(() => listOf(line, name, query, view), [line, name]);
}

/** Reads a list for as long as the component is there, and has the selection follow what happens. */
export function useReadList(list: PhotoList): void {
  const line = useLiveLine();
  useEffect(() => selectionStore.follow(line), [line]);
  useEffect(() => list.start(line), [list, line]);
}

function listOf(line: Line, name: string, query: ListQuery, view: View): PhotoList {
  const known = lists.get(line) ?? new Map<string, PhotoList>();
  lists.set(line, known);
  const order = { sort: view.sort, descending: view.order === "desc" };
  const found = known.get(name) ?? new PhotoList(name, new ListSource(query), order, filterOf(view));
  known.delete(name);
  known.set(name, found);
  const [oldest] = known.keys();
  if (known.size > REMEMBERED && oldest !== undefined) known.delete(oldest);
  return found;
}
