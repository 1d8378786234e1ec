import { expect, it } from "vitest";
import { filesInWords, inScope, kindsInWords, sumOf } from "./pending";

const of = (project_folder: string, jpg: number, raw: number) => ({
  project_id: project_folder.length,
  project_folder,
  jpg,
  raw,
  other: 0,
  total: jpg + raw,
});
const PENDING = [of("Trip", 1, 0), of("Coast", 2, 3), of("Empty", 0, 0)];

it("leaves out projects where nothing is pending, and those that are not looked at", () => {
  expect(inScope(PENDING, null).map(({ project_folder }) => project_folder)).toEqual(["Coast", "Trip"]);
  expect(inScope(PENDING, "Trip")).toEqual([PENDING[0]]);
  expect(inScope(PENDING, "Empty")).toEqual([]);
});

it("counts files by their kinds", () => {
  expect(sumOf(PENDING)).toEqual({ jpg: 3, raw: 3, other: 0, total: 6 });
  expect(kindsInWords(sumOf(PENDING))).toBe("3 JPEG and 3 RAW");
  expect(kindsInWords(of("Trip", 1, 0))).toBe("1 JPEG");
  expect([filesInWords(1), filesInWords(1200)]).toEqual(["1 file", "1,200 files"]);
});
