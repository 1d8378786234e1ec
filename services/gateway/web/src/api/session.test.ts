import { expect, it } from "vitest";
import { may } from "./session";

const ROLES = ["viewer", "editor", "admin"] as const;

it("lets each role do what the ones below may", () => {
  const allowed = ROLES.map((mine) => ROLES.filter((needed) => may(mine, needed)));
  expect(allowed).toEqual([["viewer"], ["viewer", "editor"], ["viewer", "editor", "admin"]]);
});
