import { describe, expect, it } from "vitest";
import {
  FITS,
  type Frame,
  fitScale,
  kept,
  outgrows,
  panned,
  scaleOf,
  toggled,
  zoomedBy,
  zoomedTo,
  zoomInWords,
} from "./zoom";

const FRAME: Frame = { stage: { width: 1200, height: 800 }, photo: { width: 6000, height: 4000 }, density: 1 };
const MIDDLE = { x: 0, y: 0 };

it("fits the photo into the stage, and enlarges small ones a little", () => {
  expect(fitScale(FRAME)).toBe(0.2);
  expect(fitScale({ ...FRAME, photo: { width: 100, height: 100 } })).toBe(2);
  expect(fitScale({ ...FRAME, photo: { width: 4000, height: 6000 } })).toBeCloseTo(800 / 6000);
});

describe("zooming", () => {
  it("keeps the point under the pointer where it is", () => {
    const at = { x: 300, y: -200 };
    const zoom = zoomedTo(FITS, 1, at, FRAME);
    // What was at `at` when all was seen is at: at / 0.2 of the photo's own pixels from its middle.
    expect([zoom.x + (at.x / 0.2) * 1, zoom.y + (at.y / 0.2) * 1]).toEqual([at.x, at.y]);
  });

  it("ends where all of the photo is seen, and at eight pixels for one", () => {
    expect(zoomedBy({ scale: 0.3, x: 40, y: 0 }, 0.1, MIDDLE, FRAME)).toBe(FITS);
    expect(zoomedBy(FITS, 1000, MIDDLE, FRAME).scale).toBe(8);
  });

  it("never shows what is beside the photo", () => {
    const zoom = zoomedTo(FITS, 1, MIDDLE, FRAME);
    expect(panned(zoom, { x: 9999, y: -9999 }, FRAME)).toEqual({ scale: 1, x: 2400, y: -1600 });
    expect(panned(FITS, { x: 5, y: 5 }, FRAME)).toBe(FITS);
  });

  it("goes to the photo's own pixels and back, on sharp screens too", () => {
    const sharp = { ...FRAME, density: 2 };
    expect(zoomInWords(toggled(FITS, MIDDLE, FRAME), FRAME)).toBe("100 %");
    expect(toggled(FITS, MIDDLE, sharp).scale).toBe(0.5);
    expect(toggled(toggled(FITS, MIDDLE, FRAME), MIDDLE, FRAME)).toBe(FITS);
    expect(zoomInWords(FITS, FRAME)).toBe("Fit");
  });

  it("goes nearer even where all of a small photo is as large as its pixels", () => {
    const small = { ...FRAME, photo: { width: 300, height: 200 } };
    expect(scaleOf(toggled(FITS, MIDDLE, small), small)).toBeGreaterThan(fitScale(small));
  });

  it("fits again when the stage has grown beyond it", () => {
    expect(kept({ scale: 0.3, x: 0, y: 0 }, { ...FRAME, stage: { width: 2400, height: 1600 } })).toBe(FITS);
  });
});

it("knows when a preview would be seen to be blurred, and the original would not", () => {
  expect(outgrows(FITS, FRAME, 100)).toBe(false);
  expect(outgrows({ scale: 0.4, x: 0, y: 0 }, FRAME, 2048)).toBe(false);
  expect(outgrows({ scale: 1, x: 0, y: 0 }, FRAME, 2048)).toBe(true);
  expect(outgrows({ scale: 4, x: 0, y: 0 }, FRAME, 6000)).toBe(false);
});
