import { ApiError } from "./problems";

/** Tries of one request, the first included. */
const TRIES = 5;

const LONGEST_PAUSE = 10;

export type KeyHeader = { "Idempotency-Key": string };

/**
 * Sends what must happen once, again where the answer got lost, always under one Idempotency-Key.
 *
 * `send` puts the header on the request: `once((header) => bodyOf(api.POST(path, { params: { header }, body })))`.
 */
export async function once<T>(
  send: (header: KeyHeader) => Promise<T>,
  pause: (seconds: number) => Promise<void> = waitSeconds,
): Promise<T> {
  const header = { "Idempotency-Key": newKey() };
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await send(header);
    } catch (error) {
      if (!(error instanceof ApiError) || !error.retryable || attempt === TRIES) throw error;
      await pause(secondsBefore(attempt, error));
    }
  }
}

/** How long to wait after the failed `attempt` (from 1), in seconds: as long as the server asks, else 1, 2, 4 … */
export function secondsBefore(attempt: number, error: unknown): number {
  const asked = error instanceof ApiError ? error.retryAfterSeconds : null;
  return Math.min(asked ?? 2 ** (attempt - 1), LONGEST_PAUSE);
}

/** 128 random bits; `crypto.randomUUID` is not there where the page came by plain HTTP from another machine. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function waitSeconds(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
