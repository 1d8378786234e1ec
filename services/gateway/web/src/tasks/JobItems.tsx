import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type ItemStatus, jobItemsQuery } from "../api/tasks";
import { SelectField } from "../app/ui/Field";
import { More } from "../app/ui/More";
import { PhotoName } from "./Failures";
import styles from "./JobList.module.css";
import { reasonWords } from "./reasons";
import { ITEM_STATUS_WORDS } from "./words";

const STATUSES: readonly ItemStatus[] = ["pending", "done", "failed", "skipped", "canceled"];

/** The photos of a job and what became of each. */
export function JobItems({ jobId }: { readonly jobId: string }) {
  const [status, setStatus] = useState<ItemStatus | null>(null);
  const query = useInfiniteQuery({ ...jobItemsQuery(jobId, status), gcTime: 0 });
  const items = (query.data?.pages ?? []).flatMap((page) => page.items);
  const summary = query.data?.pages[0]?.summary;
  return (
    <div className={styles.items}>
      <div className={styles.filter}>
        <SelectField
          label="Photos that are"
          value={status ?? ""}
          onChange={(event) => setStatus(STATUSES.find((one) => one === event.target.value) ?? null)}
        >
          <option value="">any</option>
          {STATUSES.map((one) => (
            <option key={one} value={one}>
              {ITEM_STATUS_WORDS[one].toLowerCase()}
              {summary && ` (${summary[one].toLocaleString()})`}
            </option>
          ))}
        </SelectField>
      </div>
      <ul>
        {items.map((item) => (
          <li key={item.position}>
            <span className={styles.photo}>
              <PhotoName item={item} />
            </span>
            <span className={styles.about}>
              {ITEM_STATUS_WORDS[item.status]}
              {item.reason !== null && `: ${reasonWords(item.reason)}`}
            </span>
          </li>
        ))}
      </ul>
      <More query={query} of="photos" />
    </div>
  );
}
