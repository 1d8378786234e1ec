import type { Photo } from "../api/types";

type Status = Photo["thumbnail_status"];

const MOST_HEARD = 5_000;

/** How far the thumbnails of uploaded photos are, by live messages. One may come before the upload's own answer. */
export class Thumbnails {
  readonly #photos = new Map<number, Status | null>();
  readonly #heard = new Map<number, Status>();
  readonly #counts = { generated: 0, failed: 0 };

  get total(): number {
    return this.#photos.size;
  }

  get made(): number {
    return this.#counts.generated;
  }

  get failed(): number {
    return this.#counts.failed;
  }

  /** Photos of which nothing was heard yet. */
  get missing(): readonly number[] {
    return [...this.#photos].filter(([, status]) => !isFinal(status)).map(([photoId]) => photoId);
  }

  expect(photoId: number): void {
    if (!this.#photos.has(photoId)) this.#set(photoId, this.#heard.get(photoId) ?? null);
  }

  hear(photoId: number, status: Status): void {
    this.#heard.set(photoId, status);
    if (this.#heard.size > MOST_HEARD) this.#heard.delete(this.#heard.keys().next().value ?? 0);
    if (this.#photos.has(photoId)) this.#set(photoId, status);
  }

  clear(): void {
    this.#photos.clear();
    this.#counts.generated = 0;
    this.#counts.failed = 0;
  }

  #set(photoId: number, status: Status | null): void {
    const before = this.#photos.get(photoId);
    if (isFinal(before)) this.#counts[before] -= 1;
    if (isFinal(status)) this.#counts[status] += 1;
    this.#photos.set(photoId, status);
  }
}

function isFinal(status: Status | null | undefined): status is "generated" | "failed" {
  return status === "generated" || status === "failed";
}
