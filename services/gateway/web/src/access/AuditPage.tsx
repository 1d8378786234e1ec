import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { type AuditFilter, auditQuery, type HistoryItem } from "../api/history";
import { useCan } from "../api/session";
import { tokensQuery } from "../api/tokens";
import { Button } from "../app/ui/Button";
import { SelectField, TextField } from "../app/ui/Field";
import { More } from "../app/ui/More";
import { Page } from "../app/ui/Page";
import { EventData } from "../tasks/EventData";
import { asOfOf, fieldTime } from "../tasks/tasksSearch";
import { fullTime, whenWords } from "../tasks/times";
import { useNow } from "../tasks/useTasks";
import { actorWords, spoken } from "../tasks/words";
import styles from "./AuditPage.module.css";
import { EVENT_TYPES, isEventType, parseAuditSearch } from "./auditSearch";
import { NotAllowed } from "./NotAllowed";

/** What was done, by whom (`/audit`). */
export function AuditPage() {
  const can = useCan();
  const raw = useSearch({ strict: false });
  const filter = useMemo(() => parseAuditSearch(raw), [raw]);
  const navigate = useNavigate();
  if (!can("admin")) return <NotAllowed />;
  return (
    <Page
      title="What was done"
      lead="Every event of the log, the newest first: what happened, by whom, and what led to it."
    >
      <Filters
        filter={filter}
        onChange={(search) => void navigate({ to: "/audit", search: { ...search }, replace: true })}
      />
      <Events filter={filter} />
    </Page>
  );
}

interface FiltersProps {
  readonly filter: AuditFilter;
  readonly onChange: (filter: AuditFilter) => void;
}

function Filters({ filter, onChange }: FiltersProps) {
  const { data: tokens = [] } = useQuery(tokensQuery);
  const change = (changed: { [Name in keyof AuditFilter]?: AuditFilter[Name] | undefined }) =>
    onChange(parseAuditSearch({ ...filter, ...changed }));
  const { actor = "", type = [], from, to } = filter;
  const known = tokens.some((token) => actor === `token:${token.id}`);
  return (
    <search className={styles.filters}>
      <SelectField label="By" value={actor} onChange={(event) => change({ actor: event.target.value })}>
        <option value="">Anybody</option>
        {tokens.map((token) => (
          <option key={token.id} value={`token:${token.id}`}>
            {token.name}
          </option>
        ))}
        {actor !== "" && !known && <option value={actor}>{actorWords(actor, null)}</option>}
      </SelectField>
      <SelectField
        label="What"
        value={type[0] ?? ""}
        onChange={(event) => change({ type: isEventType(event.target.value) ? [event.target.value] : undefined })}
      >
        <option value="">Everything</option>
        {EVENT_TYPES.map((one) => (
          <option key={one} value={one}>
            {spoken(one)}
          </option>
        ))}
      </SelectField>
      <TextField
        label="From"
        type="datetime-local"
        value={fieldTime(from)}
        onChange={(event) => change({ from: asOfOf(event.target.value) })}
      />
      <TextField
        label="To"
        type="datetime-local"
        value={fieldTime(to)}
        onChange={(event) => change({ to: asOfOf(event.target.value) })}
      />
    </search>
  );
}

function Events({ filter }: { readonly filter: AuditFilter }) {
  const query = useInfiniteQuery({ ...auditQuery(filter), staleTime: 0, gcTime: 0 });
  const now = useNow(30);
  const events = (query.data?.pages ?? []).flatMap((page) => page.items);
  return (
    <div>
      <div className={styles.again}>
        <Button busy={query.isRefetching} onClick={() => void query.refetch()}>
          Look again
        </Button>
      </div>
      <ol className={styles.events} aria-label="Events">
        {events.map((item) => (
          <Event key={item.id} item={item} now={now} />
        ))}
      </ol>
      {query.isSuccess && events.length === 0 && <p className={styles.quiet}>There is nothing of that kind.</p>}
      <More query={query} of="events" />
    </div>
  );
}

function Event({ item, now }: { readonly item: HistoryItem; readonly now: number }) {
  const [open, setOpen] = useState(false);
  return (
    <li>
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          <span className={styles.said}>{item.summary}</span>
          <span className={styles.quiet}>
            {actorWords(item.actor, item.actor_name)} ·{" "}
            <time dateTime={item.time} title={fullTime(item.time)}>
              {whenWords(item.time, now)}
            </time>
            {item.project !== null && ` · ${item.project.folder}`}
          </span>
        </summary>
        {open && (
          <div className={styles.inside}>
            {item.task_id !== null && (
              <Link to="/tasks/$taskId" params={{ taskId: item.task_id }}>
                Its task
              </Link>
            )}
            <EventData item={item} />
          </div>
        )}
      </details>
    </li>
  );
}
