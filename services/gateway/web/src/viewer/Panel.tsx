import { useRef } from "react";
import type { Schemas } from "../api/types";
import { classes } from "../app/ui/classes";
import { DetailsSection } from "./DetailsSection";
import { FilesSection } from "./FilesSection";
import { HistorySection } from "./HistorySection";
import type { Kind } from "./kinds";
import styles from "./Panel.module.css";
import { TagsSection } from "./TagsSection";

export type Tab = "info" | "history";

interface PanelProps {
  readonly photo: Schemas["PhotoDetail"];
  readonly tab: Tab;
  readonly onTab: (tab: Tab) => void;
  readonly onKept: (kind: Kind, kept: boolean) => void;
}

const TABS: readonly { readonly tab: Tab; readonly name: string }[] = [
  { tab: "info", name: "Info" },
  { tab: "history", name: "History" },
];

/** What is known of a photo, beside it; on narrow screens below it. */
export function Panel({ photo, tab, onTab, onKept }: PanelProps) {
  const tabs = useRef<HTMLDivElement>(null);
  const turn = () => {
    onTab(tab === "info" ? "history" : "info");
    tabs.current?.querySelector<HTMLElement>('[aria-selected="false"]')?.focus();
  };
  return (
    <aside className={styles.panel} aria-label="About this photo">
      <div
        ref={tabs}
        role="tablist"
        aria-label="About this photo"
        className={styles.tabs}
        onKeyDown={(event) => {
          if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
          event.stopPropagation(); // no other photo
          turn();
        }}
      >
        {TABS.map((one) => (
          <button
            key={one.tab}
            type="button"
            role="tab"
            id={`viewer-tab-${one.tab}`}
            aria-selected={one.tab === tab}
            aria-controls="viewer-tab"
            tabIndex={one.tab === tab ? 0 : -1}
            className={classes(styles.tabButton, one.tab === tab && styles.chosen)}
            onClick={() => onTab(one.tab)}
          >
            {one.name}
          </button>
        ))}
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keys */}
      <div id="viewer-tab" role="tabpanel" aria-labelledby={`viewer-tab-${tab}`} tabIndex={0} className={styles.inside}>
        {tab === "info" ? (
          <>
            <FilesSection photo={photo} onKept={onKept} />
            <TagsSection key={photo.id} photo={photo} />
            <DetailsSection photo={photo} />
          </>
        ) : (
          <HistorySection photoId={photo.id} />
        )}
      </div>
    </aside>
  );
}
