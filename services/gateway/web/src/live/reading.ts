import { apiErrorOf, unreachable } from "../api/client";
import { ApiError } from "../api/problems";
import { type Frame, FrameParser } from "./frames";
import { note } from "./note";
import { pauseBefore } from "./pause";

const ADDRESS = "/api/sse/stream?channels=jobs,pending-changes";

/** The gateway says something every 15 seconds by default; a line that is silent for longer than this is dead. */
const SILENCE = 60_000;

const UNAUTHORIZED = 401;

/** What the one that reads tells, and what it needs to know. */
export interface Reader {
  /** The id of the last message that was seen, from behind which to go on. */
  readonly lastId: () => string | null;
  /** Messages came; `fresh` says that the connection they came by asked for nothing that was missed. */
  readonly took: (frames: readonly Frame[], fresh: boolean) => void;
  readonly lost: () => void;
  /** The session is over; nothing is read any more. */
  readonly refused: () => void;
}

/** Reads the gateway's live updates until `signal` aborts, and connects again whenever the connection ends. */
export async function keepReading(reader: Reader, signal: AbortSignal): Promise<void> {
  let asked: number | null = null;
  for (let attempt = 1; !signal.aborted; attempt += 1) {
    const parser = new FrameParser();
    try {
      await readOnce(reader, parser, signal, () => {
        attempt = 0;
      });
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiError && error.status === UNAUTHORIZED) return reader.refused();
      note("connection failed", error);
      asked = askedPause(error) ?? asked;
    }
    reader.lost();
    asked = parser.retry ?? asked;
    await pauseOrWakeUp(pauseBefore(Math.max(attempt, 1), asked, Math.random()), signal);
  }
}

/** Connects and reads until the server ends it, the line is silent for too long, or `signal` aborts. */
async function readOnce(reader: Reader, parser: FrameParser, signal: AbortSignal, heard: () => void): Promise<void> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENCE);
  const lastId = reader.lastId();
  try {
    const body = await open(lastId, AbortSignal.any([signal, silence.signal]));
    for (let piece = await body.read(); !piece.done; piece = await body.read()) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE);
      heard();
      const frames = parser.push(piece.value);
      if (frames.length > 0) reader.took(frames, lastId === null);
    }
  } finally {
    clearTimeout(timer);
  }
}

async function open(lastId: string | null, signal: AbortSignal): Promise<ReadableStreamDefaultReader<string>> {
  const headers: Record<string, string> = lastId === null ? {} : { "Last-Event-ID": lastId };
  const response = await fetch(ADDRESS, { headers, signal, cache: "no-store", credentials: "same-origin" });
  if (!response.ok) throw await apiErrorOf(response);
  if (response.body === null) throw unreachable("an answer without a body");
  return response.body.pipeThrough(new TextDecoderStream()).getReader();
}

function askedPause(error: unknown): number | null {
  const seconds = error instanceof ApiError ? error.retryAfterSeconds : null;
  return seconds === null ? null : seconds * 1000;
}

/** Resolves after `milliseconds`, or as soon as the network is back, somebody looks at the page, or `signal` aborts. */
function pauseOrWakeUp(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = new AbortController();
    const wake = () => {
      done.abort();
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(wake, milliseconds);
    const listening = { signal: done.signal };
    signal.addEventListener("abort", wake, listening);
    globalThis.addEventListener("online", wake, listening);
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && wake(), listening);
  });
}
