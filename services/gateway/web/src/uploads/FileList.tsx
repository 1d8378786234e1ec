import type { ReactNode } from "react";
import styles from "./UploadSheet.module.css";
import type { Listed } from "./view";

interface FileListProps {
  readonly title: string;
  readonly listed: Listed;
  readonly open?: boolean;
  /** What may be done about them. */
  readonly children?: ReactNode;
}

/** Files that ended alike, each with the reason; nothing where there are none. */
export function FileList({ title, listed, open = false, children }: FileListProps) {
  if (listed.total === 0) return null;
  const more = listed.total - listed.items.length;
  return (
    <details className={styles.list} open={open}>
      <summary>
        {title} ({listed.total.toLocaleString("en")})
      </summary>
      {children}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keys */}
      <ul tabIndex={0} aria-label={title}>
        {listed.items.map((item) => (
          <li key={item.id}>
            <span>{item.path}</span>
            <small>{item.storedAs === null ? item.reason : `It is there as ${item.storedAs}.`}</small>
          </li>
        ))}
        {more > 0 && <li>and {more.toLocaleString("en")} more</li>}
      </ul>
    </details>
  );
}
