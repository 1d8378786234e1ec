import { secondsBefore } from "../api/once";
import type { ApiError } from "../api/problems";

/** Why nothing is sent just now: the browser has no network, the server does not answer, or it asked to wait. */
export type Trouble = "offline" | "unreachable" | "busy" | "signed-out";

const PASSES: ReadonlySet<number> = new Set([0, 408, 425, 429, 500, 502, 503, 504]);
const UNAUTHORIZED = 401;
const BUSY = new Set([429]);

/** Whether all requests would fail like this one for a while, whatever they send. */
export function isOutage({ status }: ApiError): boolean {
  return PASSES.has(status) || status === UNAUTHORIZED;
}

/** Holds requests back while they would only fail, and lets them go on by itself. */
export class Outage {
  #attempt = 0;
  #trouble: Trouble | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #over: () => void;

  constructor(over: () => void) {
    this.#over = over;
  }

  get trouble(): Trouble | null {
    return this.#trouble ?? (navigator.onLine ? null : "offline");
  }

  /** A request failed; several that failed together count as one. */
  begin(error: ApiError): void {
    if (this.#trouble !== null) return;
    if (error.status === UNAUTHORIZED) {
      this.#trouble = "signed-out";
      return;
    }
    this.#attempt += 1;
    this.#trouble = BUSY.has(error.status) ? "busy" : "unreachable";
    this.#timer = setTimeout(this.end, secondsBefore(this.#attempt, error) * 1000);
  }

  /** A request was answered. */
  answered(): void {
    this.#attempt = 0;
  }

  /** Goes on now, as when the network is back. */
  readonly end = (): void => {
    clearTimeout(this.#timer);
    this.#trouble = null;
    this.#over();
  };

  watch(signal: AbortSignal): void {
    window.addEventListener("online", this.end, { signal });
    window.addEventListener("offline", this.#over, { signal });
    signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }
}
