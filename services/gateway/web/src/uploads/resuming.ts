import { DetailedError, type HttpResponse, Upload } from "tus-js-client";
import { apiErrorOf, unreachable } from "../api/client";
import { ApiError, problemOf } from "../api/problems";
import type { Drop } from "./drop";
import type { Result } from "./item";
import { promised } from "./promised";
import { type Loaded, optionsOf } from "./sending";
import { Stall } from "./stall";

const RESULT = "Photobus-Upload-Result";

interface Ears {
  /** The upload has begun, and can be gone on with at this address. */
  readonly began: (address: string) => void;
  readonly progress: (sent: number) => void;
}

/**
 * Sends a large file by tus, from where it stands. Resolves with what became of it; rejects with an `ApiError`, or with
 * an AbortError when `signal` says so. What arrived by then is kept by the server.
 */
export async function sendLarge(drop: Drop, loaded: Loaded, ears: Ears, signal: AbortSignal): Promise<Result> {
  const { address, result } = await upload(drop, loaded, ears, signal);
  return result ?? askResult(address, signal);
}

/** Ends an upload and has its bytes removed; that it is gone already is as good. */
export async function endLarge(address: string): Promise<void> {
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const headers = { "Tus-Resumable": "1.0.0" };
    const answer = await fetch(address, { method: "DELETE", headers }).catch(() => null);
    if (answer !== null && answer.status !== BUSY) return;
    await new Promise((resolve) => setTimeout(resolve, attempt * 1000)); // the request that was broken off ends soon
  }
}

const TRIES = 4;
const BUSY = 423;

interface Sent {
  readonly address: string;
  readonly result: Result | null;
}

function upload(drop: Drop, { item, file }: Loaded, ears: Ears, signal: AbortSignal): Promise<Sent> {
  const { promise, resolve, reject } = promised<Sent>();
  let result: Result | null = null;
  const stall = new Stall(() => {
    void tus.abort();
    reject(unreachable("Nothing moved any more."));
  });
  void promise.then(stall.stop, stall.stop);
  const tus: Upload = new Upload(file, {
    endpoint: item.uploadUrl === null ? `/api/projects/${encodeURIComponent(drop.folder)}/uploads` : null,
    uploadUrl: item.uploadUrl,
    metadata: metadataOf(drop, { item, file }),
    retryDelays: null, // when to try again is said in one place for all requests: the engine
    storeFingerprintForResuming: false, // and so is what is kept over a reload
    onUploadUrlAvailable: () => ears.began(addressOf(tus)),
    onProgress: (sent, total) => {
      if (sent < total) stall.moved();
      else stall.stop(); // from here on the server may take its time
      ears.progress(sent);
    },
    onAfterResponse: (_request, response) => {
      result = resultOf(response) ?? result;
    },
    onSuccess: () => resolve({ address: addressOf(tus), result }),
    onError: (error) => {
      if (result !== null) resolve({ address: addressOf(tus), result });
      else settle(error, tus.url, resolve, reject);
    },
  });
  signal.addEventListener(
    "abort",
    () => {
      void tus.abort();
      reject(new DOMException("Nobody wants it any more.", "AbortError"));
    },
    { once: true },
  );
  tus.start();
  return promise;
}

/** An upload that was refused is gone for tus, but the server still tells what became of it. */
function settle(
  error: Error | DetailedError,
  address: string | null,
  resolve: (sent: Sent) => void,
  reject: (error: ApiError) => void,
): void {
  const problem = errorOf(error);
  if (address !== null && problem.status === GONE) resolve({ address, result: null });
  else reject(problem);
}

const GONE = 410;

async function askResult(address: string, signal: AbortSignal): Promise<Result> {
  const response = await fetch(address, { signal }).catch((cause: unknown) => {
    throw signal.aborted ? cause : unreachable(cause);
  });
  if (!response.ok) throw await apiErrorOf(response);
  const told: { readonly result?: Result | null } = await response.json();
  if (told.result == null) throw new ApiError({ status: 404, code: "not_found", detail: "The upload is not known." });
  return told.result;
}

function metadataOf(drop: Drop, { item }: Loaded): Record<string, string> {
  const { modified_at, md5, on_conflict } = optionsOf(item);
  return {
    filename: item.name,
    batch: drop.id,
    batch_total: String(drop.total),
    ...(modified_at === undefined ? {} : { modified_at }),
    ...(md5 === undefined ? {} : { md5 }),
    ...(on_conflict === undefined ? {} : { on_conflict }),
  };
}

/** The path alone: behind a proxy the server may call itself otherwise. */
function addressOf(tus: Upload): string {
  return new URL(tus.url ?? "", window.location.href).pathname;
}

function resultOf(response: HttpResponse): Result | null {
  const told = response.getHeader(RESULT);
  return told === undefined || told === "" ? null : (JSON.parse(told) as Result);
}

function errorOf(error: Error | DetailedError): ApiError {
  const response = error instanceof DetailedError ? error.originalResponse : null;
  if (response === null || response === undefined) return unreachable(error.message);
  return problemOf(response.getStatus(), parsed(response.getBody()), response.getHeader("Retry-After") ?? null);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
