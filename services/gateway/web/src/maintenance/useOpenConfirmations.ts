import { useQuery, useQueryClient } from "@tanstack/react-query";
import { CONFIRMATIONS_KEY, openConfirmationsQuery } from "../api/maintenance";
import { useJoined, useLive } from "../live/LiveProvider";
import type { LiveName } from "../live/messages";
import { useGathered } from "../tasks/useGathered";

const MARKING: ReadonlySet<LiveName> = new Set<LiveName>([
  "reset",
  "confirmation_requested",
  "confirmation_answered",
  "confirmation_expired",
]);

/** What waits for an answer: what was answered goes at once, what is asked anew is read. */
export function useOpenConfirmations() {
  const queries = useQueryClient();
  const joined = useJoined();
  const mark = useGathered(() => void queries.invalidateQueries({ queryKey: CONFIRMATIONS_KEY }));
  useLive((message) => {
    if (!MARKING.has(message.name)) return;
    if (message.name === "confirmation_answered" || message.name === "confirmation_expired") {
      const { id } = message.data;
      queries.setQueryData(openConfirmationsQuery.queryKey, (known) => known?.filter((one) => one.id !== id));
    }
    mark();
  });
  return useQuery({ ...openConfirmationsQuery, enabled: joined });
}
