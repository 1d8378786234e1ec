import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { failuresQuery } from "../api/failures";
import type { JobItem } from "../api/tasks";
import { More } from "../app/ui/More";
import styles from "./Failures.module.css";
import { byReason } from "./reasons";
import { counted } from "./words";

/** The photos of a task that failed, by the reason why. */
export function Failures({ taskId }: { readonly taskId: string }) {
  const query = useInfiniteQuery({ ...failuresQuery(taskId), gcTime: 0 });
  const items = (query.data?.pages ?? []).flatMap((page) => page.items);
  return (
    <div className={styles.failures}>
      {byReason(items).map(({ reason, items: failed }) => (
        <details key={reason} open={items.length <= 10}>
          <summary>
            {reason} <span className={styles.count}>{counted(failed.length, "photo")}</span>
          </summary>
          <ul>
            {failed.map((item) => (
              <li key={`${item.photo_id} ${item.position} ${item.at}`}>
                <PhotoName item={item} />
              </li>
            ))}
          </ul>
        </details>
      ))}
      {query.isSuccess && items.length === 0 && <p>No photo failed by itself.</p>}
      <More query={query} of="failures" />
    </div>
  );
}

interface PhotoNameProps {
  readonly item: Pick<JobItem, "photo_id" | "project_folder" | "filename">;
  /** Whether its project is told too. */
  readonly where?: boolean;
}

/** The name of a photo that leads to it; of one that is gone, its number. */
export function PhotoName({ item, where = true }: PhotoNameProps) {
  const { project_folder: folder, filename, photo_id: photo } = item;
  if (folder === null || filename === null) return <>Photo {photo}, which is gone</>;
  return (
    <>
      <Link to="/projects/$folder" params={{ folder }} search={{ photo }}>
        {filename}
      </Link>
      {where && <span className={styles.folder}> in {folder}</span>}
    </>
  );
}
