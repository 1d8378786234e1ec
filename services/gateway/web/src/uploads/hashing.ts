import { md5 } from "@noble/hashes/legacy.js";
import { bytesToHex } from "@noble/hashes/utils.js";

/** What the worker is asked, and what it answers; null is a file that cannot be read any more. */
export interface HashAsked {
  readonly id: string;
  readonly file: File;
}

export interface HashTold {
  readonly id: string;
  readonly md5: string | null;
}

const PORTION = 4 * 1024 * 1024;

/** Reads a file in portions, so that a large one takes no more memory than a small one. */
async function md5Of(file: File): Promise<string> {
  const hash = md5.create();
  for (let at = 0; at < file.size; at += PORTION) {
    hash.update(new Uint8Array(await file.slice(at, at + PORTION).arrayBuffer()));
  }
  return bytesToHex(hash.digest());
}

self.onmessage = async ({ data: { id, file } }: MessageEvent<HashAsked>) => {
  const md5 = await md5Of(file).catch(() => null);
  self.postMessage({ id, md5 } satisfies HashTold);
};
