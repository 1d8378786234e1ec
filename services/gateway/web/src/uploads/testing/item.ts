import { type Item, newItem } from "../item";

let count = 0;

/** A file of a drop, usual but for what is given. */
export function item(path: string, given: Partial<Item> = {}): Item {
  count += 1;
  const name = path.slice(path.lastIndexOf("/") + 1);
  const usual = { id: `drop/${count}`, drop: "drop", projectId: 1, path, name, size: 10, modifiedAt: 1000 };
  return { ...newItem(usual), ...given };
}
