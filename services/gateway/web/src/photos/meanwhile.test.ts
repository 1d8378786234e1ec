import { describe, expect, it } from "vitest";
import type { LiveMessage } from "../live/messages";
import { Meanwhile } from "./meanwhile";
import { spoken } from "./testing/list";

const told = (id: number): LiveMessage => ({ name: "item_removed", data: spoken(id, 2) });

describe("Meanwhile", () => {
  it("says what was told since each question, and nothing else", () => {
    const meanwhile = new Meanwhile();
    meanwhile.note(told(1));
    const first = meanwhile.begin();
    meanwhile.note(told(2));
    const second = meanwhile.begin();
    meanwhile.note(told(3));
    expect(meanwhile.end(first)).toEqual([told(2), told(3)]);
    meanwhile.note(told(4));
    expect(meanwhile.end(second)).toEqual([told(3), told(4)]);
    meanwhile.note(told(5));
    expect(meanwhile.end(meanwhile.begin())).toEqual([]);
  });
});
