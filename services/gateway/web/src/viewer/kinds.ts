import type { Keep } from "../actions/changes";
import type { Photo } from "../api/types";

export type Kind = "jpg" | "raw" | "other";

export const KINDS: readonly Kind[] = ["jpg", "raw", "other"];

const NAMES: Readonly<Record<Kind, string>> = { jpg: "JPEG", raw: "RAW", other: "other files" };

type Available = Pick<Photo, "jpg_available" | "raw_available" | "other_available">;
type Kept = Pick<Photo, "keep_jpg" | "keep_raw" | "keep_other">;

/** The kinds of which the photo has files. */
export function availableKinds(photo: Available): readonly Kind[] {
  return KINDS.filter((kind) => photo[`${kind}_available`]);
}

export function isKept(photo: Kept, kind: Kind): boolean {
  return photo[`keep_${kind}`];
}

/** What is to be said so that these kinds are kept, or marked for removal. */
export function keepOf(kinds: readonly Kind[], kept: boolean): Keep {
  return Object.fromEntries(kinds.map((kind) => [`keep_${kind}`, kept]));
}

/** `JPEG and RAW are kept.` */
export function saidOf(kinds: readonly Kind[], kept: boolean): string {
  const names = kinds.map((kind) => NAMES[kind]).join(" and ");
  const subject = names.charAt(0).toUpperCase() + names.slice(1);
  const verb = kinds.length > 1 || kinds[0] === "other" ? "are" : "is";
  return `${subject} ${verb} ${kept ? "kept" : "marked for removal"}.`;
}
