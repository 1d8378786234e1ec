import { expect, it } from "vitest";
import { parseAddress, writeAddress } from "./address";

it.each([
  ["", {}],
  ["?photo=17", { photo: "17" }],
  ["?tags=sea&tags=a+b", { tags: ["sea", "a b"] }],
  ["?tags=1&tags=2&tags=3&text=x", { tags: ["1", "2", "3"], text: "x" }],
])("reads %s, and writes it as it was", (text, search) => {
  expect(parseAddress(text)).toEqual(search);
  expect(writeAddress(search)).toBe(text);
});

it("leaves out what is not there", () => {
  expect(writeAddress({ a: undefined, b: null, c: [], d: false })).toBe("?d=false");
});
