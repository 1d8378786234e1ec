import { useMutation, useQueryClient } from "@tanstack/react-query";
import { changeKeep, changeTags } from "../actions/calls";
import type { Keep } from "../actions/changes";
import { sayFailed } from "../actions/follower";
import { ApiError } from "../api/problems";
import type { Schemas } from "../api/types";
import { photoQuery } from "./usePhoto";

type Change = Schemas["ChangeView"];

/** Says what is kept of one photo, and which tags it has. What the server answers stands at once. */
export function useSaying(photoId: number) {
  const queries = useQueryClient();
  const { queryKey } = photoQuery(photoId);
  const stands = (answers: readonly Schemas["ChangesAnswer"][]) => {
    const last = answers.at(-1)?.items[0];
    if (last === undefined) return;
    if (last.status === "failed") throw refusalOf(last);
    queries.setQueryData(queryKey, (known) => known && afterSaying(known, last));
  };
  const keep = useMutation({
    mutationFn: async (flags: Keep) => stands([await changeKeep([{ photo_id: photoId, ...flags }])]),
    onError: sayFailed,
  });
  const tags = useMutation({
    mutationFn: async ({
      add = [],
      remove = [],
    }: {
      readonly add?: readonly string[];
      readonly remove?: readonly string[];
    }) => stands(await changeTags(itemsOf(photoId, add), itemsOf(photoId, remove))),
  });
  return { keep, tags };
}

function itemsOf(photo_id: number, tags: readonly string[]): Schemas["TaggedPhoto"][] {
  return tags.length === 0 ? [] : [{ photo_id, tags: [...tags] }];
}

function afterSaying(known: Schemas["PhotoDetail"], change: Change): Schemas["PhotoDetail"] {
  const { version, tags, keep_jpg, keep_raw, keep_other } = change;
  if (version == null || version < known.version) return known;
  return {
    ...known,
    version,
    tags: tags ?? known.tags,
    keep_jpg: keep_jpg ?? known.keep_jpg,
    keep_raw: keep_raw ?? known.keep_raw,
    keep_other: keep_other ?? known.keep_other,
  };
}

function refusalOf({ code, detail }: Change): ApiError {
  return new ApiError({ status: 409, code: code ?? "refused", detail: detail ?? "It could not be changed." });
}
