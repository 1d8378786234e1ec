import { describe, expect, it } from "vitest";
import { photo } from "../photos/testing/photo";
import { ALONE, extended, lacking, located, neighbour, placeOf, stripAfter } from "./strip";

const photos = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => photo(from + at));
const STRIP = located({
  items: photos(11, 30),
  position: 14,
  page_index: 1,
  idx_in_items: 4,
  prev_cursor: "before",
  next_cursor: "behind",
  target: { photo_id: 15, project_folder: "Trip", filename: "IMG_00015" },
});
const spoken = (photo_id: number, version: number) => ({
  photo_id,
  version,
  project_folder: "Trip",
  filename: "x",
  updated_at: "2026-06-02T00:00:00Z",
});

describe("the neighbours of a photo", () => {
  it("are those beside it in the list", () => {
    expect(neighbour(STRIP, 15, 1)?.id).toBe(16);
    expect(neighbour(STRIP, 15, -1)?.id).toBe(14);
    expect(neighbour(STRIP, 30, 1)).toBeUndefined();
    expect(neighbour(STRIP, 99, 1)).toBeUndefined();
    expect(neighbour(ALONE, 15, 1)).toBeUndefined();
  });

  it("are read on before they run out", () => {
    expect(lacking(STRIP, 20)).toBeNull();
    expect(lacking(STRIP, 25)).toBe("next");
    expect(lacking(STRIP, 12)).toBe("prev");
    expect(lacking({ ...STRIP, next: null }, 30)).toBeNull();
  });

  it("go on beyond the page, each once, and each at its place", () => {
    const longer = extended(STRIP, "next", { items: photos(30, 40), prev_cursor: "x", next_cursor: null });
    expect(longer.photos.map(({ id }) => id)).toEqual(photos(11, 40).map(({ id }) => id));
    expect(longer.next).toBeNull();
    const whole = extended(longer, "prev", { items: photos(1, 10), prev_cursor: null, next_cursor: "x" });
    expect([placeOf(whole, 1), placeOf(whole, 15), placeOf(longer, 15)]).toEqual([1, 15, 15]);
    expect(neighbour(whole, 11, -1)?.id).toBe(10);
  });

  it("leave out what is gone, until it is back", () => {
    const without = stripAfter(STRIP, { name: "item_removed", data: spoken(16, 2) }, null);
    expect(neighbour(without, 15, 1)?.id).toBe(17);
    const moved = { ...spoken(16, 3), thumbnail_status: "generated", preview_status: "generated" } as const;
    expect(neighbour(stripAfter(without, { name: "item_moved", data: moved }, null), 15, 1)?.id).toBe(16);
    expect(neighbour(stripAfter(without, { name: "item_moved", data: moved }, "Other"), 15, 1)?.id).toBe(17);
  });
});

it("takes a change of a photo, and no older one", () => {
  const tagged = stripAfter(STRIP, { name: "item", data: { ...spoken(15, 3), tags: ["sea"] } }, null);
  expect(tagged.photos[4]?.tags).toEqual(["sea"]);
  expect(stripAfter(tagged, { name: "item", data: { ...spoken(15, 2), tags: [] } }, null)).toBe(tagged);
});
