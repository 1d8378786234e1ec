import { describe, expect, it } from "vitest";
import { FrameParser } from "./frames";

const TEXT =
  'retry: 1500\nevent: connected\ndata: {"seq":117}\n\n' +
  ": keepalive\n\n" +
  'id: 118-1\nevent: item\ndata: {"photo_id":1}\n\n' +
  "data: two\r\ndata:lines\r\n\r\n";

const FRAMES = [
  { id: null, event: "connected", data: '{"seq":117}' },
  { id: "118-1", event: "item", data: '{"photo_id":1}' },
  { id: null, event: "message", data: "two\nlines" },
];

describe("FrameParser", () => {
  it("reads events, comments and the pause that is asked for", () => {
    const parser = new FrameParser();
    expect(parser.push(TEXT)).toEqual(FRAMES);
    expect(parser.retry).toBe(1500);
  });

  it("reads the same however the text is cut", () => {
    for (let size = 1; size <= 7; size += 1) {
      const parser = new FrameParser();
      const found = [];
      for (let at = 0; at < TEXT.length; at += size) found.push(...parser.push(TEXT.slice(at, at + size)));
      expect(found, `pieces of ${size}`).toEqual(FRAMES);
    }
  });

  it("holds back an event that has not ended", () => {
    const parser = new FrameParser();
    expect(parser.push("id: 1-1\nevent: item\ndata: {}\n")).toEqual([]);
    expect(parser.push("\n")).toEqual([{ id: "1-1", event: "item", data: "{}" }]);
  });

  it("forgets an event without data, with its id", () => {
    const parser = new FrameParser();
    expect(parser.push("id: 9-1\nevent: item\n\ndata: x\n\n")).toEqual([{ id: null, event: "message", data: "x" }]);
  });
});
