import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import { parseViewSearch, type ViewSearch } from "./search";
import { type View, viewOf } from "./view";

/** What the address says is looked at. */
export function useView(): View {
  const raw = useSearch({ strict: false });
  const { folder } = useParams({ strict: false });
  return useMemo(() => viewOf(folder ?? null, parseViewSearch(raw)), [folder, raw]);
}

/** What of the view changes; undefined takes something out of the address. */
export type ViewChange = { readonly [Name in keyof ViewSearch]?: ViewSearch[Name] | undefined };

interface How {
  /** Put it in the place of the present entry of the history: for what is typed or dragged, and has many steps. */
  readonly replace?: boolean;
}

/** Changes the view by its address, so that back leads to where it was. */
export function useChangeView(): (change: ViewChange, how?: How) => void {
  const navigate = useNavigate();
  return useCallback(
    (change, { replace = false } = {}) => {
      void navigate({
        to: ".",
        replace,
        resetScroll: false,
        search: (before: Record<string, unknown>) => parseViewSearch({ ...before, ...change }),
      });
    },
    [navigate],
  );
}
