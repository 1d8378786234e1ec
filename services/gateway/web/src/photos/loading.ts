import { isAbort } from "../api/client";
import { secondsBefore } from "../api/once";
import { ApiError, sentenceOf } from "../api/problems";

/** Does something again for as long as it may succeed and is wanted. Rejects with what will not be otherwise. */
export async function untilDone<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (isAbort(error) || !(error instanceof ApiError) || !error.retryable) throw error;
      await pause(secondsBefore(attempt, error), signal);
    }
  }
}

/** What a person is told of a failure; nothing where it was given up because nobody wanted it any more. */
export function failureOf(error: unknown): string | null {
  return isAbort(error) ? null : sentenceOf(error);
}

function pause(seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const give = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", give);
      resolve();
    }, seconds * 1000);
    signal.addEventListener("abort", give, { once: true });
    if (signal.aborted) give();
  });
}
