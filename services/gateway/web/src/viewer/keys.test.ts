import { expect, it } from "vitest";
import { commandOf } from "./keys";

const key = (name: string, held: object = {}) => ({
  key: name,
  shiftKey: false,
  ctrlKey: false,
  altKey: false,
  metaKey: false,
  ...held,
});

it.each([
  ["k", "keep all"],
  ["K", "keep all"],
  ["2", "raw"],
  ["ArrowRight", "next"],
  ["?", "help"],
])("%s means %s", (name, command) => expect(commandOf(key(name))).toBe(command));

it.each(["q", "Enter", "toString", "Tab"])("%s means nothing", (name) => expect(commandOf(key(name))).toBeNull());

it("tells arrows with Shift from those without", () => {
  expect(commandOf(key("ArrowUp", { shiftKey: true }))).toBe("pan up");
  expect(commandOf(key("?", { shiftKey: true }))).toBe("help");
});

it("leaves keys with Ctrl, Alt and the like to the browser", () => {
  expect(commandOf(key("0", { ctrlKey: true }))).toBeNull();
  expect(commandOf(key("d", { metaKey: true }))).toBeNull();
  expect(commandOf(key("ArrowLeft", { altKey: true }))).toBeNull();
});
