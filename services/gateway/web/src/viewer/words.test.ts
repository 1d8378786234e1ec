import { describe, expect, it } from "vitest";
import {
  actorInWords,
  cameraInWords,
  exposureInWords,
  offsetInWords,
  placeInWords,
  readableFile,
  settingsInWords,
  sizeInWords,
  takenInWords,
} from "./words";

it.each([
  [1 / 250, "1/250 s"],
  [0.0125, "1/80 s"],
  [0.8, "0.8 s"],
  [30, "30 s"],
])("writes %d s as %s", (seconds, words) => expect(exposureInWords(seconds)).toBe(words));

it.each([
  [0, "UTC"],
  [330, "UTC+05:30"],
  [-210, "UTC−03:30"],
])("writes an offset of %d minutes as %s", (minutes, words) => expect(offsetInWords(minutes)).toBe(words));

describe("what files say of a photo", () => {
  it("tells the time by the clock where it was taken, and a zone only where it is known", () => {
    const there = takenInWords({ taken_at: "2026-05-01T22:30:00Z", taken_offset_minutes: 120 });
    expect(there).toContain("2 May 2026");
    expect(there).toContain("(UTC+02:00)");
    const unknown = takenInWords({ taken_at: "2026-05-01T22:30:00Z", taken_offset_minutes: null });
    expect(unknown).toContain("1 May 2026");
    expect(unknown).not.toContain("UTC");
  });

  it("leaves out what is not known", () => {
    const none = { exposure_seconds: null, f_number: null, iso: null, focal_length_mm: null };
    expect(settingsInWords(none)).toBe("");
    expect(settingsInWords({ ...none, f_number: 2.8, iso: 400 })).toBe("f/2.8 · ISO 400");
    expect(sizeInWords({ width: null, height: 5 })).toBe("");
    expect(placeInWords({ gps_latitude: null, gps_longitude: 3, gps_altitude_m: null })).toBe("");
  });

  it("names the maker once", () => {
    expect(cameraInWords({ camera_make: "NIKON CORPORATION", camera_model: "NIKON D70" })).toBe("NIKON D70");
    expect(cameraInWords({ camera_make: "Canon", camera_model: "PowerShot S40" })).toBe("Canon PowerShot S40");
    expect(cameraInWords({ camera_make: null, camera_model: null })).toBe("");
  });

  it("writes places on both sides of the equator", () => {
    expect(placeInWords({ gps_latitude: -33.85, gps_longitude: 151.2, gps_altitude_m: 4.4 })).toBe(
      "33.85000° S, 151.20000° E · 4 m",
    );
  });
});

it("finds the file that a browser can show, the JPEG first", () => {
  const file = (name: string, kind: "jpg" | "raw" | "other" | "sidecar") => ({ name, kind });
  expect(readableFile([file("a.nef", "raw"), file("a.png", "other"), file("a.JPG", "jpg")])).toBe("a.JPG");
  expect(readableFile([file("a.nef", "raw"), file("a.webp", "other")])).toBe("a.webp");
  expect(readableFile([file("a.nef", "raw"), file("a.heic", "other")])).toBeNull();
});

it("says who did something", () => {
  expect(actorInWords({ actor: "token:1", actor_name: "phone" })).toBe("phone");
  expect(actorInWords({ actor: "token:1", actor_name: null })).toBe("a token that is gone");
  expect(actorInWords({ actor: "schedule:folder_discovery", actor_name: null })).toBe("the schedule folder_discovery");
  expect(actorInWords({ actor: "system", actor_name: null })).toBe("photobus");
});
