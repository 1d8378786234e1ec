import { api, bodyOf } from "../api/client";
import type { Photo } from "../api/types";
import type { ListQuery } from "../view/view";
import type { Key } from "./order";
import { PORTION, type PortionView } from "./portions";

/** Most photos that one page may have, by the usual settings of the gateway. */
const LONGEST_PAGE = 500;

export interface Page {
  readonly items: readonly Photo[];
  readonly total: number;
  readonly total_exact: boolean;
  readonly next_cursor: string | null;
}

/** Reads one list of photos. */
export class ListSource {
  readonly #query: ListQuery;

  constructor(query: ListQuery) {
    this.#query = query;
  }

  /** A page of at most `limit` photos, from `cursor` on. */
  page(cursor: string | null, limit: number, signal: AbortSignal): Promise<Page> {
    const query = { ...this.#query, limit, ...(cursor === null ? {} : { cursor }) };
    return bodyOf(api.GET("/api/photos", { params: { query }, signal }));
  }

  /** How the whole list is cut into portions. */
  async portions(signal: AbortSignal): Promise<readonly PortionView[]> {
    const query = { ...this.#query, size: PORTION };
    return (await bodyOf(api.GET("/api/photos/portions", { params: { query }, signal }))).items;
  }

  /** Those of the photos that are in the list. */
  async among(ids: readonly number[], signal: AbortSignal): Promise<readonly Photo[]> {
    const query = { ...this.#query, photo_ids: [...ids] };
    return (await bodyOf(api.GET("/api/photos/among", { params: { query }, signal }))).items;
  }

  /**
   * All photos from `cursor` on, up to the first that `isBeyond`; `about` is how many they may be.
   *
   * Some may have come in since that was counted, and the gateway may be set to shorter pages.
   */
  async stretch(
    cursor: string | null,
    about: number,
    isBeyond: (photo: Photo) => boolean,
    signal: AbortSignal,
  ): Promise<Photo[]> {
    const photos: Photo[] = [];
    let next: string | null = cursor;
    do {
      const limit = Math.min(Math.max(about - photos.length, 0) + SLACK, LONGEST_PAGE);
      const page = await this.page(next, limit, signal);
      const end = page.items.findIndex(isBeyond);
      photos.push(...(end < 0 ? page.items : page.items.slice(0, end)));
      next = end < 0 ? page.next_cursor : null;
    } while (next !== null);
    return photos;
  }
}

/** So many photos more are asked for than a portion has, so that the end of it is seen. */
const SLACK = 8;

/** Whether a photo stands at or behind the place where something ends; where nothing does, none. */
export function beyond(end: Key | undefined, isBefore: (photo: Photo, key: Key) => boolean): (photo: Photo) => boolean {
  return (photo) => end !== undefined && (photo.id === end.id || !isBefore(photo, end));
}
