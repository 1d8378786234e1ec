import { expect, it } from "vitest";
import { placeBeside } from "./placing";

const VIEW = { width: 400, height: 300 };
const LIST = { width: 160, height: 120 };
const anchor = (left: number, top: number) => ({ left, top, width: 40, height: 40 });

it.each([
  ["below and flush with its left edge", anchor(20, 20), { left: 20, top: 64 }],
  ["flush with its right edge where it would leave the view", anchor(350, 20), { left: 230, top: 64 }],
  ["above it at the foot of the view", anchor(20, 250), { left: 20, top: 126 }],
  ["within the view where there is no room for it on either side", anchor(20, 100), { left: 20, top: 144 }],
])("stands %s", (_, at, place) => {
  expect(placeBeside(at, LIST, VIEW)).toEqual(place);
});

it("never leaves the view, however large it is", () => {
  expect(placeBeside(anchor(20, 250), { width: 600, height: 500 }, VIEW)).toEqual({ left: 8, top: 8 });
});
