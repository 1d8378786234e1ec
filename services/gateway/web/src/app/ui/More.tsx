import { sentenceOf } from "../../api/problems";
import { Button } from "./Button";
import styles from "./More.module.css";

interface MoreProps {
  readonly query: {
    readonly hasNextPage: boolean;
    readonly isFetchingNextPage: boolean;
    readonly isPending: boolean;
    readonly error: Error | null;
    readonly fetchNextPage: () => unknown;
    readonly refetch: () => unknown;
  };
  /** What there is more of: “Show more photos”. */
  readonly of: string;
}

/** Stands below a list that comes page by page: how to have more of it, or why there is none. */
export function More({ query, of }: MoreProps) {
  if (query.error !== null) {
    return (
      <p className={styles.more} role="alert">
        {sentenceOf(query.error)}
        <Button onClick={() => void query.refetch()}>Try again</Button>
      </p>
    );
  }
  if (query.isPending) return <p className={styles.more}>Reading …</p>;
  if (!query.hasNextPage) return null;
  return (
    <p className={styles.more}>
      <Button busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
        Show more {of}
      </Button>
    </p>
  );
}
