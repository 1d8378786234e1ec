import { describe, expect, it } from "vitest";
import { parseAddress, writeAddress } from "./address";
import { parseViewSearch } from "./search";

const read = (text: string) => parseViewSearch(parseAddress(text));

describe("parseViewSearch", () => {
  it("reads every part of an address", () => {
    const text =
      "?text=sea&tags=a&tags=b&date_from=2026-01-01&date_to=2026-02-28&file_type=both&keep_type=none" +
      "&orientation=square&status=failed&pending_deletion=false&project_folders=Trip&sort=size&order=asc" +
      "&photo=17&select=true";
    expect(read(text)).toEqual({
      text: "sea",
      tags: ["a", "b"],
      date_from: "2026-01-01",
      date_to: "2026-02-28",
      file_type: "both",
      keep_type: "none",
      orientation: "square",
      status: "failed",
      pending_deletion: false,
      project_folders: ["Trip"],
      sort: "size",
      order: "asc",
      photo: 17,
      select: true,
    });
    expect(writeAddress({ ...read(text) })).toBe(text);
  });

  it.each([
    "?photo=0",
    "?photo=-1",
    "?photo=1.5",
    "?photo=1e3",
    "?photo=99999999999999999999",
    "?photo=1&photo=2",
    "?date_from=2026-02-30",
    "?date_from=yesterday",
    "?file_type=gif",
    "?file_type=any",
    "?sort=taken_at",
    "?sort=toString",
    "?order=up",
    "?status=",
    "?text=",
    `?text=${"x".repeat(256)}`,
    "?text=%00",
    "?tags=",
    "?pending_deletion=yes",
    "?select=false",
    "?unknown=1",
  ])("takes %s for nothing", (text) => {
    expect(read(text)).toEqual({});
  });

  it("takes one tag for a list, each tag once, and no more than the API does", () => {
    expect(read("?tags=sea")).toEqual({ tags: ["sea"] });
    expect(read("?tags=sea&tags=sea&tags=sky")).toEqual({ tags: ["sea", "sky"] });
    const many = Array.from({ length: 60 }, (_, n) => `tags=${n}`).join("&");
    expect(read(`?${many}`).tags).toHaveLength(50);
  });

  it("reads what it has made itself", () => {
    const search = { tags: ["2026"], pending_deletion: true, photo: 3, select: true } as const;
    expect(parseViewSearch({ ...search })).toEqual(search);
  });
});
