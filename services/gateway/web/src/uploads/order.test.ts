import { describe, expect, it } from "vitest";
import { inOrder, isLeftOut, numbered, rankOf, stemOf } from "./order";

function named(...paths: readonly string[]) {
  return paths.map((path) => ({ path, name: path.slice(path.lastIndexOf("/") + 1) }));
}

describe("inOrder", () => {
  it("puts the JPEG of a photo before its RAW, and its sidecar last", () => {
    const files = named("DSC01.NEF.xmp", "DSC02.jpg", "DSC01.NEF", "DSC01.JPG");
    expect(inOrder(files).map(({ name }) => name)).toEqual(["DSC01.JPG", "DSC01.NEF", "DSC01.NEF.xmp", "DSC02.jpg"]);
  });

  it("keeps the files of a folder together", () => {
    const files = named("b/1.jpg", "a/1.NEF", "b/1.NEF", "a/1.jpg");
    expect(inOrder(files).map(({ path }) => path)).toEqual(["a/1.jpg", "a/1.NEF", "b/1.jpg", "b/1.NEF"]);
  });
});

it.each([
  ["DSC01.JPG", "DSC01", 0],
  ["DSC01.jpeg", "DSC01", 0],
  ["DSC01.NEF", "DSC01", 1],
  ["DSC01.xmp", "DSC01", 2],
  ["DSC01.NEF.xmp", "DSC01", 2],
  ["a.b.tiff", "a.b", 1],
  ["none", "none", 1],
])("%s belongs to %s and comes at place %i", (name, stem, rank) => {
  expect(stemOf(name)).toBe(stem);
  expect(rankOf(name)).toBe(rank);
});

it.each([
  ["one.jpg", "one (2).jpg"],
  ["DSC01.NEF.xmp", "DSC01 (2).NEF.xmp"],
  ["none", "none (2)"],
])("numbers %s as %s", (name, other) => {
  expect(numbered(name, 2)).toBe(other);
});

it.each([
  ["a/.hidden/one.jpg", true],
  [".DS_Store", true],
  ["a/Thumbs.db", true],
  ["__MACOSX/a/one.jpg", true],
  ["a/@eaDir/one.jpg", true],
  ["a/one.jpg", false],
  ["a.b/one.two.jpg", false],
])("leaves out %s: %s", (path, left) => {
  expect(isLeftOut(path)).toBe(left);
});
