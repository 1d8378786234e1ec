/** What a tab that uploads says to the others, now and then. */
export interface Summary {
  readonly tab: string;
  readonly actor: string;
  readonly drops: readonly string[];
  readonly open: number;
  readonly bytes: number;
  readonly sent: number;
}

const CHANNEL = "photobus-uploads";

/** The other tabs of this browser. */
export class Tabs {
  #channel: BroadcastChannel | null = null;

  start(heard: (summary: Summary) => void): void {
    this.#channel = new BroadcastChannel(CHANNEL);
    this.#channel.onmessage = ({ data }: MessageEvent<Summary>) => heard(data);
  }

  say(summary: Summary): void {
    this.#channel?.postMessage(summary);
  }

  stop(): void {
    this.#channel?.close();
    this.#channel = null;
  }
}

/**
 * Has a drop for this tab alone: `held` is called once no other tab has it, so that when a tab goes, the next one goes on
 * with what it left. Returns how to let go. Where there are no locks (a page that came by plain HTTP from another
 * machine), this tab has it at once.
 */
export function hold(dropId: string, held: () => void): () => void {
  if (!("locks" in navigator)) {
    held();
    return () => undefined;
  }
  const waiting = new AbortController();
  let letGo: () => void = () => undefined;
  const kept = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  navigator.locks
    .request(`${CHANNEL}:${dropId}`, { signal: waiting.signal }, () => {
      held();
      return kept;
    })
    .catch(() => undefined); // it was given up before it was had
  return () => {
    waiting.abort();
    letGo();
  };
}
