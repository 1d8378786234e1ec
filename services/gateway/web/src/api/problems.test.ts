import { describe, expect, it } from "vitest";
import { ApiError, problemOf, sentenceOf, UNREACHABLE } from "./problems";

describe("problemOf", () => {
  it("reads code, detail, fields and when to come back", () => {
    const error = problemOf(
      400,
      {
        code: "invalid_input",
        detail: "items: too many",
        errors: [{ field: "query.limit", message: "big", limit: 2 }],
      },
      "3",
    );
    expect(error).toMatchObject({ status: 400, code: "invalid_input", message: "items: too many" });
    expect(error.at("limit")).toBe("big");
    expect(error.at("mit")).toBeUndefined();
    expect(error.fields[0]?.limit).toBe(2);
    expect(error.retryAfterSeconds).toBe(3);
  });

  it.each([[undefined], ["<html>"], [null], [[]], [{ code: 7, errors: "none" }]])("makes do with %j", (body) => {
    expect(problemOf(502, body, "Wed, 21 Oct 2015 07:28:00 GMT")).toMatchObject({
      code: "http_502",
      fields: [],
      retryAfterSeconds: null,
    });
  });
});

it.each([
  [0, true],
  [400, false],
  [401, false],
  [409, false],
  [429, false],
  [500, false],
  [503, true],
])("status %i is worth another try: %s", (status, retryable) => {
  expect(new ApiError({ status, code: "x", detail: "" }).retryable).toBe(retryable);
});

it("says in words what went wrong", () => {
  expect(sentenceOf(new ApiError({ status: 0, code: UNREACHABLE, detail: "TypeError" }))).toBe(
    "The server cannot be reached.",
  );
  expect(sentenceOf(new ApiError({ status: 409, code: "taken", detail: "The name is taken." }))).toBe(
    "The name is taken.",
  );
  expect(sentenceOf(new TypeError("x is not a function"))).toBe("Something went wrong in this page.");
});
