import { useQuery } from "@tanstack/react-query";
import { api, bodyOf } from "../api/client";

/** Addresses of thumbnails, by the ids of those photos that have one. */
export type Pictures = ReadonlyMap<number, string>;

const NONE: Pictures = new Map();

/** The most photos that the API tells of at once. */
const MOST = 500;

/** The thumbnails of some photos, of the first 500 at most; none while they are not known. */
export function usePictures(photoIds: readonly number[]): Pictures {
  const ids = photoIds.slice(0, MOST);
  const { data } = useQuery({
    queryKey: ["pictures", ids],
    enabled: ids.length > 0,
    staleTime: 0,
    gcTime: 0,
    queryFn: async ({ signal }): Promise<Pictures> => {
      const { items } = await bodyOf(api.GET("/api/photos/among", { params: { query: { photo_ids: ids } }, signal }));
      const made = items.filter((photo) => photo.thumbnail_status === "generated");
      return new Map(made.map(({ id, version }) => [id, `/api/photos/${id}/thumbnail?v=${version}`]));
    },
  });
  return data ?? NONE;
}
