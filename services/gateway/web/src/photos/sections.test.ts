import { describe, expect, it } from "vitest";
import { titleOfDays } from "./dates";
import type { Measure } from "./layout";
import { datedSections, plainSections } from "./sections";

const MEASURE: Measure = { width: 1000, target: 200, gap: 10, heading: 50 };
const ALONE = { before: null, behind: null, seam: 0 };

interface Shot {
  taken_at: string;
  taken_offset_minutes: number | null;
  width: number;
  height: number;
}

function shots(...days: readonly (readonly [day: string, count: number])[]): Shot[] {
  return days.flatMap(([day, count]) =>
    Array.from({ length: count }, () => ({
      taken_at: `${day}T12:00:00Z`,
      taken_offset_minutes: null,
      width: 3,
      height: 2,
    })),
  );
}

const ends = (sections: readonly { end: number; title: string | null }[]) =>
  sections.map(({ end, title }) => [end, title]);

describe("datedSections", () => {
  it("gives each day that fills a row a section of its own", () => {
    const sections = datedSections(shots(["2026-05-03", 20], ["2026-05-02", 9]), ALONE, MEASURE);
    expect(ends(sections)).toEqual([
      [20, titleOfDays("2026-05-03", "2026-05-03")],
      [29, titleOfDays("2026-05-02", "2026-05-02")],
    ]);
  });

  it("puts lesser days of a month together, until they fill a row", () => {
    const days = shots(["2026-05-09", 1], ["2026-05-07", 1], ["2026-05-06", 2], ["2026-05-05", 1], ["2025-12-30", 1]);
    expect(ends(datedSections(days, ALONE, MEASURE))).toEqual([
      [4, titleOfDays("2026-05-06", "2026-05-09")],
      [5, titleOfDays("2026-05-05", "2026-05-05")],
      [6, titleOfDays("2025-12-30", "2025-12-30")],
    ]);
  });

  it("puts single photos of a year into one row, and no others", () => {
    const days = shots(["2026-05-09", 1], ["2026-03-07", 1], ["2026-01-06", 1], ["2025-12-30", 1]);
    expect(ends(datedSections(days, ALONE, MEASURE))).toEqual([
      [3, titleOfDays("2026-01-06", "2026-05-09")],
      [4, titleOfDays("2025-12-30", "2025-12-30")],
    ]);
    const more = shots(["2026-05-09", 2], ["2026-03-07", 2]);
    expect(datedSections(more, ALONE, MEASURE)).toHaveLength(2);
  });

  it("repeats no heading where a day goes on from the portion before, nor breaks its last row", () => {
    const around = { before: "2026-05-03T18:00:00Z", behind: "2026-05-02T01:00:00Z", seam: 0 };
    const sections = datedSections(shots(["2026-05-03", 20], ["2026-05-02", 9]), around, MEASURE);
    expect(sections.map(({ title, goesOn }) => [title === null, goesOn])).toEqual([
      [true, false],
      [false, true],
    ]);
  });

  it("goes by the clock where a photo was taken", () => {
    const evening: Shot = { taken_at: "2026-05-02T23:30:00Z", taken_offset_minutes: 120, width: 3, height: 2 };
    const [section] = datedSections([evening], { ...ALONE, before: "2026-05-03T10:00:00Z" }, MEASURE);
    expect(section?.title).toBeNull();
    const [alone] = datedSections([evening], ALONE, MEASURE);
    expect(alone?.title).toBe(titleOfDays("2026-05-03", "2026-05-03"));
  });

  it("keeps what came later in rows of its own", () => {
    const sections = datedSections(shots(["2026-05-03", 20]), { ...ALONE, seam: 3 }, MEASURE);
    expect(sections.map(({ end, title, goesOn }) => [end, title === null, goesOn])).toEqual([
      [3, false, true],
      [20, true, false],
    ]);
  });
});

describe("plainSections", () => {
  it("is one section, or none", () => {
    expect(plainSections(0, ALONE)).toEqual([]);
    expect(plainSections(5, { ...ALONE, behind: "" })).toEqual([{ first: 0, end: 5, title: null, goesOn: true }]);
  });
});

describe("titleOfDays", () => {
  it("says one day, or from when to when, whichever comes first in the list", () => {
    expect(titleOfDays("2026-05-01", "2026-05-01")).toContain("2026");
    expect(titleOfDays("2026-05-04", "2026-05-01")).toBe(titleOfDays("2026-05-01", "2026-05-04"));
  });
});
