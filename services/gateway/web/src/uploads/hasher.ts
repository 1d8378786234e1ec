import { startWorker } from "../app/worker";
import type { HashAsked, HashTold } from "./hashing";
import address from "./hashing.ts?worker&url";
import { promised } from "./promised";

/** Reads files in a worker, one after the other. */
export class Hasher {
  #worker: Worker | null = null;
  readonly #asked = new Map<string, (md5: string | null) => void>();

  /** The MD5 of a file in hex; null if it cannot be read. */
  md5(id: string, file: File): Promise<string | null> {
    const { promise, resolve } = promised<string | null>();
    this.#asked.set(id, resolve);
    this.#started().postMessage({ id, file } satisfies HashAsked);
    return promise;
  }

  /** Has the worker ready, so that it is there when the server is not. */
  start(): void {
    this.#started();
  }

  stop(): void {
    this.#worker?.terminate();
    this.#worker = null;
    this.#asked.clear();
  }

  #started(): Worker {
    if (this.#worker !== null) return this.#worker;
    const worker = startWorker(address);
    worker.onmessage = ({ data }: MessageEvent<HashTold>) => {
      this.#asked.get(data.id)?.(data.md5);
      this.#asked.delete(data.id);
    };
    worker.onerror = () => {
      for (const resolve of this.#asked.values()) resolve(null);
      this.#asked.clear();
    };
    this.#worker = worker;
    return worker;
  }
}
