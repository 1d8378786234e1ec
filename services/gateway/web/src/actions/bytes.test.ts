import { expect, it } from "vitest";
import { bytesInWords } from "./bytes";

it.each([
  [0, "0 bytes"],
  [1, "1 byte"],
  [999, "999 bytes"],
  [1000, "1.0 kB"],
  [24_300_000, "24.3 MB"],
  [999_999, "1.0 MB"],
  [123_456_789, "123 MB"],
  [5e15, "5000 TB"],
])("writes %d as %s", (bytes, words) => expect(bytesInWords(bytes)).toBe(words));
