import type { Drop } from "./drop";
import type { Item } from "./item";
import { promised } from "./promised";

const NAME = "photobus-uploads";
const DROPS = "drops";
const ITEMS = "items";
const BY_DROP = "drop";

/**
 * What is under way, kept in the browser over a reload. Where the browser keeps nothing (a private window), uploads work
 * all the same, and end with the page.
 */
export class Keeper {
  #database: Promise<IDBDatabase | null> | null = null;
  #items = new Map<string, Item>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Keeps a file with the next portion of them. */
  item(item: Item): void {
    this.#items.set(item.id, item);
    this.#timer ??= setTimeout(() => void this.flush(), SETTLE);
  }

  /** Keeps at once what waits for it. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const items = [...this.#items.values()];
    this.#items = new Map();
    if (items.length === 0) return;
    await this.#write([ITEMS], (transaction) => {
      for (const item of items) transaction.objectStore(ITEMS).put(item);
    });
  }

  async drop(drop: Drop): Promise<void> {
    await this.#write([DROPS], (transaction) => transaction.objectStore(DROPS).put(drop)).catch(() =>
      // Handles of files cannot be kept by every browser.
      this.#write([DROPS], (transaction) => transaction.objectStore(DROPS).put({ ...drop, roots: [] })),
    );
  }

  /** Forgets a drop with its files. */
  async forget(dropId: string): Promise<void> {
    for (const [id, item] of this.#items) if (item.drop === dropId) this.#items.delete(id);
    await this.#write([DROPS, ITEMS], (transaction) => {
      transaction.objectStore(DROPS).delete(dropId);
      const cursor = transaction.objectStore(ITEMS).index(BY_DROP).openKeyCursor(IDBKeyRange.only(dropId));
      cursor.onsuccess = () => {
        const at = cursor.result;
        if (at === null) return;
        transaction.objectStore(ITEMS).delete(at.primaryKey);
        at.continue();
      };
    });
  }

  async drops(): Promise<readonly Drop[]> {
    const database = await this.#open();
    if (database === null) return [];
    return answer<Drop[]>(database.transaction(DROPS).objectStore(DROPS).getAll());
  }

  /** A drop as it was kept last, with its files; null if it is done. */
  async load(dropId: string): Promise<{ readonly drop: Drop; readonly items: readonly Item[] } | null> {
    const database = await this.#open();
    if (database === null) return null;
    const transaction = database.transaction([DROPS, ITEMS]);
    const drop = answer<Drop | undefined>(transaction.objectStore(DROPS).get(dropId));
    const items = answer<Item[]>(transaction.objectStore(ITEMS).index(BY_DROP).getAll(dropId));
    const found = await drop;
    return found === undefined ? null : { drop: found, items: await items };
  }

  async #write(stores: readonly string[], change: (transaction: IDBTransaction) => unknown): Promise<void> {
    const database = await this.#open();
    if (database === null) return;
    const { promise, resolve, reject } = promised<void>();
    const transaction = database.transaction([...stores], "readwrite");
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
    change(transaction);
    await promise;
  }

  #open(): Promise<IDBDatabase | null> {
    this.#database ??= open().catch(() => null);
    return this.#database;
  }
}

const SETTLE = 300;

function open(): Promise<IDBDatabase> {
  const asked = indexedDB.open(NAME, 1);
  asked.onupgradeneeded = () => {
    asked.result.createObjectStore(DROPS, { keyPath: "id" });
    asked.result.createObjectStore(ITEMS, { keyPath: "id" }).createIndex(BY_DROP, "drop");
  };
  return answer(asked);
}

function answer<T>(asked: IDBRequest<T>): Promise<T> {
  const { promise, resolve, reject } = promised<T>();
  asked.onsuccess = () => resolve(asked.result);
  asked.onerror = () => reject(asked.error);
  return promise;
}
