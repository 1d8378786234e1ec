import type { Photo, Schemas } from "../api/types";

type Detail = Schemas["PhotoDetail"];

/** English as it is written where the user is. */
const LOCALE = globalThis.navigator?.languages.find((language) => language.startsWith("en")) ?? "en-GB";

const TAKEN = new Intl.DateTimeFormat(LOCALE, { dateStyle: "full", timeStyle: "medium", timeZone: "UTC" });
const MINUTE = 60_000;

/** When a photo was taken, by the clock where that was; the zone only where the camera told it. */
export function takenInWords({
  taken_at,
  taken_offset_minutes,
}: Pick<Photo, "taken_at" | "taken_offset_minutes">): string {
  const clock = TAKEN.format(new Date(Date.parse(taken_at) + (taken_offset_minutes ?? 0) * MINUTE));
  return taken_offset_minutes === null ? clock : `${clock} (${offsetInWords(taken_offset_minutes)})`;
}

/** `UTC+05:30`. */
export function offsetInWords(minutes: number): string {
  if (minutes === 0) return "UTC";
  const size = Math.abs(minutes);
  const two = (count: number) => String(count).padStart(2, "0");
  return `UTC${minutes < 0 ? "−" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/** `1/250 s`, `0.8 s`, `30 s`, as cameras write it. */
export function exposureInWords(seconds: number): string {
  if (seconds > 0 && seconds < 0.3) return `1/${Math.round(1 / seconds)} s`;
  return `${Number(seconds.toFixed(1))} s`;
}

/** `1/250 s · f/2.8 · ISO 400 · 35 mm`; of what is not known nothing is said. */
export function settingsInWords(
  photo: Pick<Detail, "exposure_seconds" | "f_number" | "iso" | "focal_length_mm">,
): string {
  const { exposure_seconds, f_number, iso, focal_length_mm } = photo;
  const parts = [
    exposure_seconds === null ? null : exposureInWords(exposure_seconds),
    f_number === null ? null : `f/${Number(f_number.toFixed(1))}`,
    iso === null ? null : `ISO ${iso}`,
    focal_length_mm === null ? null : `${Number(focal_length_mm.toFixed(1))} mm`,
  ];
  return parts.filter((part) => part !== null).join(" · ");
}

/** `NIKON D70`: the maker once, though cameras often name it in both fields. */
export function cameraInWords({ camera_make, camera_model }: Pick<Detail, "camera_make" | "camera_model">): string {
  const make = camera_make?.trim() ?? "";
  const model = camera_model?.trim() ?? "";
  const [word] = make.split(" ");
  return word && model.toLowerCase().startsWith(word.toLowerCase()) ? model : `${make} ${model}`.trim();
}

/** `48.85837° N, 2.29448° E · 35 m`. */
export function placeInWords(photo: Pick<Detail, "gps_latitude" | "gps_longitude" | "gps_altitude_m">): string {
  const { gps_latitude, gps_longitude, gps_altitude_m } = photo;
  if (gps_latitude === null || gps_longitude === null) return "";
  const part = (degrees: number, words: string) =>
    `${Math.abs(degrees).toFixed(5)}° ${degrees < 0 ? words[1] : words[0]}`;
  const place = `${part(gps_latitude, "NS")}, ${part(gps_longitude, "EW")}`;
  return gps_altitude_m === null ? place : `${place} · ${Math.round(gps_altitude_m)} m`;
}

/** `6000 × 4000 · 24 MP`. */
export function sizeInWords({ width, height }: Pick<Photo, "width" | "height">): string {
  if (width === null || height === null) return "";
  const megapixels = (width * height) / 1e6;
  return `${width} × ${height} · ${megapixels < 10 ? megapixels.toFixed(1) : Math.round(megapixels)} MP`;
}

const SHOWN = new Set(["jpg", "jpeg", "png", "gif", "webp", "avif"]);

/** The file of a photo that browsers can show in all its pixels. */
export function readableFile(files: readonly Pick<Schemas["FileView"], "name" | "kind">[]): string | null {
  const isReadable = (name: string) => SHOWN.has(name.slice(name.lastIndexOf(".") + 1).toLowerCase());
  const originals = files.filter(({ kind, name }) => kind !== "sidecar" && isReadable(name));
  return (originals.find(({ kind }) => kind === "jpg") ?? originals[0])?.name ?? null;
}

/** Where the file `name` of a photo is; with `download` browsers save it. */
export function originalAddress(photoId: number, name: string, download = false): string {
  return `/api/photos/${photoId}/original?name=${encodeURIComponent(name)}${download ? "&download=true" : ""}`;
}

const KINDS: Readonly<Record<Schemas["FileView"]["kind"], string>> = {
  jpg: "JPEG",
  raw: "RAW",
  other: "Other",
  sidecar: "Sidecar",
};

export function kindInWords(kind: Schemas["FileView"]["kind"]): string {
  return KINDS[kind];
}

const SCHEDULE = "schedule:";

/** Who did something: what the token or schedule is called, else what kind of actor it was. */
export function actorInWords({ actor, actor_name }: Pick<Schemas["HistoryItem"], "actor" | "actor_name">): string {
  if (actor.startsWith(SCHEDULE)) return `the schedule ${actor_name ?? actor.slice(SCHEDULE.length)}`;
  return actor_name ?? (actor.startsWith("token:") ? "a token that is gone" : "photobus");
}

const MOMENT = new Intl.DateTimeFormat(LOCALE, { dateStyle: "medium", timeStyle: "short" });

/** A moment by the clock of the user. */
export function momentInWords(time: string): string {
  return MOMENT.format(new Date(time));
}
