import { describe, expect, it } from "vitest";
import { FILTERS, parseViewSearch } from "../view/search";
import { chipsOf, NO_FILTERS } from "./filterWords";

const EVERYTHING = parseViewSearch({
  text: "sea",
  tags: ["a", "b"],
  date_from: "2026-01-01",
  date_to: "2026-02-01",
  file_type: "both",
  keep_type: "none",
  orientation: "square",
  status: "failed",
  pending_deletion: "false",
  project_folders: ["Trip"],
});

describe("chipsOf", () => {
  it("has one for every filter, each of which it takes away alone", () => {
    const chips = chipsOf(EVERYTHING, (folder) => `the ${folder}`);
    expect(chips).toHaveLength(FILTERS.length + 1);
    expect(chips.map((chip) => chip.words)).toEqual(
      expect.arrayContaining(["“sea”", "#a", "RAW and JPEG", "the Trip"]),
    );
    for (const { words, without } of chips) {
      const left = parseViewSearch({ ...EVERYTHING, ...without });
      expect(chipsOf(left, (folder) => `the ${folder}`).map((chip) => chip.words)).toEqual(
        chips.map((chip) => chip.words).filter((one) => one !== words),
      );
    }
  });

  it("has none where nothing is filtered", () => {
    expect(chipsOf({ sort: "size", photo: 3 }, String)).toEqual([]);
  });
});

describe("NO_FILTERS", () => {
  it("leaves what is no filter", () => {
    expect(parseViewSearch({ ...EVERYTHING, sort: "size", ...NO_FILTERS })).toEqual({ sort: "size" });
  });
});
