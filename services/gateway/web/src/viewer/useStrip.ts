import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { api, bodyOf } from "../api/client";
import { useLive } from "../live/LiveProvider";
import { useView } from "../view/useView";
import { type ListQuery, listQueryOf } from "../view/view";
import { ALONE, extended, lacking, located, photoIn, type Strip, stripAfter } from "./strip";

const PAGE = 60;

/** The list around the photo that is shown: its neighbours, however far one goes; null until it was read. */
export function useStrip(photoId: number): Strip | null {
  const view = useView();
  const query = useMemo(() => listQueryOf(view), [view]);
  const list = JSON.stringify(query);
  const [known, setKnown] = useState<{ readonly list: string; readonly strip: Strip } | null>(null);
  const strip = known?.list === list ? known.strip : null;
  const isKnown = strip !== null && (strip === ALONE || photoIn(strip, photoId) !== undefined);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `list` is `query` in letters; another object of the same letters asks for nothing new
  useEffect(() => {
    if (isKnown) return undefined;
    return read(
      (signal) => locate(query, photoId, signal),
      (found) => setKnown({ list, strip: found }),
    );
  }, [isKnown, list, photoId]);

  const side = strip === null ? null : lacking(strip, photoId);
  const cursor = side === null ? null : (strip?.[side] ?? null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: as above
  useEffect(() => {
    if (side === null || cursor === null) return undefined;
    return read(
      (signal) => bodyOf(api.GET("/api/photos", { params: { query: { ...query, cursor, limit: PAGE } }, signal })),
      (page) => setKnown((before) => before && { ...before, strip: extended(before.strip, side, page) }),
    );
  }, [side, cursor, list]);

  useLive((message) => {
    if (message.name === "reset") setKnown(null);
    else setKnown((before) => before && withStrip(before, stripAfter(before.strip, message, view.project_filter)));
  });
  return strip;
}

/** How many photos the list has; undefined until it is known, and where it was not counted to its end. */
export function useListCount(): number | undefined {
  const view = useView();
  const query = useMemo(() => listQueryOf(view), [view]);
  const { data } = useQuery({
    queryKey: ["count of", query],
    gcTime: 0,
    queryFn: async ({ signal }) => {
      const page = await bodyOf(api.GET("/api/photos", { params: { query: { ...query, limit: 1 } }, signal }));
      return page.total_exact ? page.total : null;
    },
  });
  return data ?? undefined;
}

function withStrip<Known extends { readonly strip: Strip }>(known: Known, strip: Strip): Known {
  return strip === known.strip ? known : { ...known, strip };
}

async function locate(query: ListQuery, photoId: number, signal: AbortSignal): Promise<Strip> {
  // Those of the list that the photo is among say whether it is in it at all, without an answer that is an error.
  const among = { ...query, photo_ids: [photoId] };
  const { items } = await bodyOf(api.GET("/api/photos/among", { params: { query: among }, signal }));
  if (items.length === 0) return ALONE;
  const place = { ...query, photo_id: photoId, limit: PAGE };
  return located(await bodyOf(api.GET("/api/photos/locate-page", { params: { query: place }, signal })));
}

/** Reads in an effect: what comes after the effect ended is for nobody. Failures leave things as they are. */
function read<Found>(ask: (signal: AbortSignal) => Promise<Found>, found: (answer: Found) => void): () => void {
  const running = new AbortController();
  ask(running.signal).then(
    (answer) => {
      if (!running.signal.aborted) found(answer);
    },
    () => undefined, // the photo is shown all the same, only without its neighbours
  );
  return () => running.abort();
}
