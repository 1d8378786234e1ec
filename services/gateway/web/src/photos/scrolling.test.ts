import { describe, expect, it } from "vitest";
import { isBaseOff, isBaseUrgent, LONGEST, properBase, scrolledHeight, type Window } from "./scrolling";

const at = (given: Partial<Window>): Window => ({ top: 0, viewHeight: 1000, height: 44_000_000, base: 0, ...given });

describe("the scrolled element", () => {
  it("is as high as a list that browsers can show, and never higher", () => {
    expect(scrolledHeight(at({ height: 30_000 }))).toBe(30_000);
    expect(scrolledHeight(at({}))).toBe(LONGEST);
    expect(scrolledHeight(at({ base: 44_000_000 - 5_000_000 }))).toBe(5_000_000);
  });

  it("has the whole list in reach, wherever the view is", () => {
    for (let top = 0; top <= 44_000_000 - 1000; top += 333_333) {
      const window = at({ top, base: properBase({ top, height: 44_000_000 }) });
      const scrolled = window.top - window.base;
      expect(scrolled).toBeGreaterThanOrEqual(0);
      expect(scrolled + 1000).toBeLessThanOrEqual(scrolledHeight(window));
      expect(isBaseUrgent(window)).toBe(false);
      expect(isBaseOff(window)).toBe(false);
    }
  });
});

describe("a base", () => {
  it("is off in a short list whenever it is not its start", () => {
    expect(isBaseOff(at({ height: 30_000, top: 9000, base: 500 }))).toBe(true);
    expect(isBaseOff(at({ height: 30_000, top: 9000 }))).toBe(false);
  });

  it("is urgent where the view comes to an end that is not the list's", () => {
    expect(isBaseUrgent(at({ height: 30_000, top: 2300, base: 500 }))).toBe(true);
    expect(isBaseUrgent(at({ height: 30_000, top: 9000, base: 500 }))).toBe(false);
    expect(isBaseUrgent(at({ height: 30_000, top: 1500, base: -300 }))).toBe(true);
    expect(isBaseUrgent(at({ top: LONGEST - 2500 }))).toBe(true);
    expect(isBaseUrgent(at({ top: 0 }))).toBe(false);
    expect(isBaseUrgent(at({ top: 44_000_000 - 1000, base: 44_000_000 - LONGEST }))).toBe(false);
  });
});
