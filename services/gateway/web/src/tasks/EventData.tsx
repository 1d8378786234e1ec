import { useQuery } from "@tanstack/react-query";
import { eventQuery, type HistoryItem } from "../api/history";
import { sentenceOf } from "../api/problems";
import styles from "./EventData.module.css";

/** An event as the log has it; of one that was shortened, the whole of it is read. */
export function EventData({ item }: { readonly item: HistoryItem }) {
  const whole = useQuery({ ...eventQuery(item.id), enabled: !item.whole });
  return (
    <dl className={styles.data}>
      <dt>Place in the log</dt>
      <dd>{item.seq}</dd>
      <dt>Type</dt>
      <dd>{item.type}</dd>
      <dt>Event</dt>
      <dd>{item.id}</dd>
      <dt>Said by</dt>
      <dd>{item.source.replace(/^\//, "")}</dd>
      <dt>Data</dt>
      <dd>
        {whole.error !== null && <p>{sentenceOf(whole.error)}</p>}
        <pre>{JSON.stringify(whole.data?.data ?? item.data, null, 2)}</pre>
      </dd>
    </dl>
  );
}

/** The same of an event of which only the id is known. */
export function EventById({ eventId }: { readonly eventId: string }) {
  const { data, error } = useQuery(eventQuery(eventId));
  if (error !== null) return <p>{sentenceOf(error)}</p>;
  if (data === undefined) return <p>Reading …</p>;
  return (
    <dl className={styles.data}>
      <dt>Type</dt>
      <dd>{data.type}</dd>
      <dt>Time</dt>
      <dd>{data.time}</dd>
      <dt>Event</dt>
      <dd>{data.id}</dd>
      <dt>Data</dt>
      <dd>
        <pre>{JSON.stringify(data.data, null, 2)}</pre>
      </dd>
    </dl>
  );
}
