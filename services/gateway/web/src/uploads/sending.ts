import { ApiError, problemOf, UNREACHABLE } from "../api/problems";
import type { AcceptedTask, Schemas } from "../api/types";
import type { Drop } from "./drop";
import type { Item, Result } from "./item";
import { promised } from "./promised";
import { Stall } from "./stall";

/** A file with its bytes. */
export interface Loaded {
  readonly item: Item;
  readonly file: File;
}

/** How a request ended: what became of the files that came, and what broke off the rest. */
export interface Outcome {
  readonly results: readonly Result[];
  readonly error: ApiError | null;
}

/** What the server is told of a file beside its bytes. */
interface FileOptions {
  readonly size: number;
  readonly modified_at?: string;
  readonly md5?: string;
  readonly on_conflict?: "skip" | "overwrite" | "rename";
}

/** Sends a group of small files in one request. Rejects with an AbortError alone, when `signal` says so. */
export function sendGroup(
  drop: Drop,
  group: readonly Loaded[],
  onProgress: (loaded: number) => void,
  signal: AbortSignal,
): Promise<Outcome> {
  const body = new FormData();
  body.append("batch", drop.id);
  body.append("batch_total", String(drop.total));
  body.append("files", JSON.stringify(Object.fromEntries(group.map(({ item }) => [item.name, optionsOf(item)]))));
  for (const { item, file } of group) body.append("file", file, item.name);
  return post(`/api/projects/${encodeURIComponent(drop.folder)}/upload`, body, onProgress, signal);
}

/** Has photos of other projects moved into the drop's, by one task. */
export async function bringHere(drop: Drop, photos: readonly (number | string)[], signal: AbortSignal): Promise<Bring> {
  const body = new FormData();
  body.append("reloadConflictsIntoThisProject", "true");
  body.append("conflictItems", JSON.stringify(photos));
  const answer = await fetch(`/api/projects/${encodeURIComponent(drop.folder)}/upload`, {
    method: "POST",
    body,
    signal,
  }).catch((cause: unknown) => {
    if (signal.aborted) throw cause;
    throw new ApiError({ status: 0, code: UNREACHABLE, detail: String(cause) });
  });
  const told: unknown = await answer.json().catch(() => undefined);
  if (!answer.ok) throw problemOf(answer.status, told, answer.headers.get("Retry-After"));
  const { conflict_items: items, task } = told as Schemas["UploadAnswer"];
  return { items, task: task ?? null };
}

export interface Bring {
  readonly items: readonly Result[];
  readonly task: AcceptedTask | null;
}

/** The time of a file as the server takes it, from 1970 to 2099; cards and bad clocks have others. */
export function fileTime(modifiedAt: number): string | null {
  const END = Date.UTC(2100, 0, 1);
  return modifiedAt >= 0 && modifiedAt < END ? new Date(modifiedAt).toISOString() : null;
}

export function optionsOf(item: Item): FileOptions {
  const time = fileTime(item.modifiedAt);
  return {
    size: item.size,
    ...(time === null ? {} : { modified_at: time }),
    ...(item.md5 === null ? {} : { md5: item.md5 }),
    ...(item.choice === null || item.choice === "bring" ? {} : { on_conflict: item.choice }),
  };
}

/** `fetch` cannot say how many bytes have left; the older way can. */
function post(
  address: string,
  body: FormData,
  onProgress: (loaded: number) => void,
  signal: AbortSignal,
): Promise<Outcome> {
  const { promise, resolve, reject } = promised<Outcome>();
  const request = new XMLHttpRequest();
  const abort = () => request.abort();
  const broken = (detail: string) => {
    resolve({ results: [], error: new ApiError({ status: 0, code: UNREACHABLE, detail }) });
    abort();
  };
  const stall = new Stall(() => broken("Nothing moved any more."));
  request.open("POST", address);
  request.upload.onprogress = (event) => {
    stall.moved();
    onProgress(event.loaded);
  };
  request.upload.onload = stall.stop; // from here on the server may take its time
  request.onload = () => resolve(outcomeOf(request));
  request.onerror = () => broken("The request broke off.");
  request.onabort = () => reject(new DOMException("Nobody wants it any more.", "AbortError"));
  request.onloadend = () => {
    stall.stop();
    signal.removeEventListener("abort", abort);
  };
  signal.addEventListener("abort", abort);
  request.send(body);
  return promise;
}

function outcomeOf(request: XMLHttpRequest): Outcome {
  const told = parsed(request.responseText);
  const results = resultsIn(told);
  if (request.status >= 200 && request.status < 300 && results !== null) return { results, error: null };
  return { results: results ?? [], error: problemOf(request.status, told, request.getResponseHeader("Retry-After")) };
}

/** Answers have `results`, and so have problems that tell how the files before them ended. */
function resultsIn(told: unknown): readonly Result[] | null {
  if (typeof told !== "object" || told === null || !("results" in told)) return null;
  return Array.isArray(told.results) ? (told.results as readonly Result[]) : null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
