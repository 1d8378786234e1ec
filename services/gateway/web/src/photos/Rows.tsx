import { memo } from "react";
import type { Entry } from "./entries";
import type { Heading, Layout, Row } from "./layout";
import type { Slice } from "./model";
import styles from "./Rows.module.css";
import { isSelected, type Selection } from "./selection";
import { Tile } from "./Tile";

interface RowsProps {
  readonly slice: Slice;
  /** Where the list's window starts. */
  readonly base: number;
  readonly selection: Selection;
  /** The photo that the keyboard is at. */
  readonly active: number | null;
  readonly waits: boolean;
}

/** What of a portion is near the view. */
export function Rows({ slice: { portion, top, first, end }, base, selection, active, waits }: RowsProps) {
  const { layout, entries } = portion;
  if (layout === null || entries === null) return <Blank top={top - base} height={portion.height} />;
  const rows = layout.rows.slice(first, end);
  const from = rows[0]?.first ?? 0;
  const to = rows.at(-1)?.end ?? 0;
  const activeAt = active === null ? -1 : entries.findIndex((entry) => entry.photo.id === active);
  return (
    // biome-ignore lint/a11y/useSemanticElements: rows of a virtual grid are no table
    <div role="rowgroup">
      {layout.headings
        .filter((heading) => heading.first >= from && heading.first < to)
        .map((heading) => (
          <DayHeading key={`h${heading.first}`} heading={heading} top={top - base + heading.top} />
        ))}
      {rows.map((row) => (
        <PhotoRow
          key={row.first}
          row={row}
          layout={layout}
          entries={entries}
          top={top - base + row.top}
          selection={selection}
          activeAt={activeAt >= row.first && activeAt < row.end ? activeAt : -1}
          waits={waits}
        />
      ))}
    </div>
  );
}

function DayHeading({ heading, top }: { readonly heading: Heading; readonly top: number }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: the same
    // biome-ignore lint/a11y/useFocusableInteractive: it has nothing to be focused for
    <div role="row" className={styles.heading} style={{ top }}>
      {/* biome-ignore lint/a11y/useSemanticElements: the same */}
      {/* biome-ignore lint/a11y/useFocusableInteractive: the same */}
      <div role="rowheader">
        <h2>{heading.title}</h2>
      </div>
    </div>
  );
}

interface PhotoRowProps {
  readonly row: Row;
  readonly layout: Layout;
  readonly entries: readonly Entry[];
  readonly top: number;
  readonly selection: Selection;
  /** The index of the photo that the keyboard is at; -1 where that is in no other row. */
  readonly activeAt: number;
  readonly waits: boolean;
}

const PhotoRow = memo(function PhotoRow({ row, layout, entries, top, selection, activeAt, waits }: PhotoRowProps) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: rows of a virtual grid are no table
    // biome-ignore lint/a11y/useFocusableInteractive: the grid has the focus
    <div role="row" className={styles.row} style={{ top, height: row.height }}>
      {entries.slice(row.first, row.end).map((entry, at) => (
        <Tile
          key={entry.photo.id}
          entry={entry}
          left={layout.lefts[row.first + at] ?? 0}
          width={layout.widths[row.first + at] ?? 0}
          selected={isSelected(selection, entry.photo)}
          active={row.first + at === activeAt}
          waits={waits}
        />
      ))}
    </div>
  );
});

/** Where photos are that have not come yet. */
function Blank({ top, height }: { readonly top: number; readonly height: number }) {
  return <div className={styles.blank} data-blank style={{ top, height }} />;
}
