import { expect, it } from "vitest";
import { messageOf } from "./messages";

it("gives a frame its name and its data", () => {
  expect(messageOf({ id: "1-1", event: "connected", data: '{"seq":7}' })).toEqual({
    name: "connected",
    data: { seq: 7 },
  });
});

it.each(["message", "toString", "something_new"])("knows no %s", (event) => {
  expect(messageOf({ id: null, event, data: "{}" })).toBeNull();
});
