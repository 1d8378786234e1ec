interface WorkerPolicy {
  createScriptURL(address: string): string;
}

interface TrustedTypes {
  createPolicy(name: string, rules: WorkerPolicy): WorkerPolicy;
}

declare global {
  interface Window {
    readonly trustedTypes?: TrustedTypes;
  }
}

let policy: WorkerPolicy | undefined;

/**
 * Starts a worker of this client: `startWorker(address)` with `import address from "./hashing.ts?worker&url"`.
 *
 * The page's Content-Security-Policy lets scripts be started by this policy alone, and by no text that came from elsewhere.
 */
export function startWorker(address: string): Worker {
  policy ??= window.trustedTypes?.createPolicy("photobus-worker", { createScriptURL: ownAddress });
  return new Worker(policy?.createScriptURL(address) ?? ownAddress(address), { type: "module" });
}

function ownAddress(address: string): string {
  const { href, origin } = new URL(address, window.location.href);
  if (origin !== window.location.origin) throw new Error(`${href} is not of this client`);
  return href;
}
