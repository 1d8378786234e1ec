import { bytesInWords } from "../actions/bytes";
import { remainingWords } from "../tasks/times";
import type { Choice, Clash } from "./item";
import type { Trouble } from "./outage";
import { countOf } from "./tally";
import type { UploadView } from "./view";

export function files(count: number): string {
  return `${count.toLocaleString("en")} ${count === 1 ? "file" : "files"}`;
}

/** `312 MB of 1.2 GB · 24 MB/s · about 2 minutes left` */
export function bytesWords({ tally, rate, left }: UploadView): string {
  const far = `${bytesInWords(tally.sent)} of ${bytesInWords(tally.bytes)}`;
  const pace = rate === null ? null : `${bytesInWords(rate)}/s`;
  return [far, pace, left === null ? null : remainingWords(left)].filter((part) => part !== null).join(" · ");
}

/** What uploads are at, as a title. */
export function titleOf(view: UploadView): string {
  const where = placeOf(view);
  switch (view.phase) {
    case "checking":
      return `Looking at ${files(view.tally.files)}`;
    case "asking":
      return "Some names are taken";
    case "lost":
      return "An upload was interrupted";
    case "paused":
      return "Upload paused";
    case "waiting":
      return "Upload waits";
    case "thumbnails":
      return "Uploaded, making thumbnails";
    case "done":
      return "Upload finished";
    default:
      return `Uploading to ${where}`;
  }
}

/** How it ended, or stands: `12 uploaded, 2 skipped`. */
export function endWords({ tally }: UploadView): string {
  const parts: readonly (readonly [number, string])[] = [
    [countOf(tally, "stored"), "uploaded"],
    [countOf(tally, "moved"), "brought here"],
    [countOf(tally, "skipped"), "skipped"],
    [countOf(tally, "refused"), "not taken"],
    [countOf(tally, "failed"), "failed"],
  ];
  const told = parts.filter(([count]) => count > 0).map(([count, word]) => `${count.toLocaleString("en")} ${word}`);
  return told.length === 0 ? "Nothing was uploaded" : told.join(", ");
}

/** What is said to those who do not see the panel: when something else is up, not for each file. */
export function announcementOf(view: UploadView): string {
  switch (view.phase) {
    case "none":
    case "checking":
      return "";
    case "sending":
      return `Uploading ${files(view.tally.files)} to ${placeOf(view)}.`;
    case "waiting":
      return view.trouble === null ? "" : troubleWords(view.trouble);
    case "asking":
      return `${files(view.asking.total)} to decide on: their names are taken.`;
    case "thumbnails":
    case "done":
      return `${titleOf(view)}: ${endWords(view)}.`;
    default:
      return `${titleOf(view)}.`;
  }
}

export function troubleWords(trouble: Trouble): string {
  switch (trouble) {
    case "offline":
      return "There is no network. It goes on by itself when it is back.";
    case "unreachable":
      return "The server cannot be reached. It goes on by itself when it is back.";
    case "busy":
      return "The server asked to wait a moment. It goes on by itself.";
    case "signed-out":
      return "You were signed out. Sign in again to go on.";
  }
}

export function choiceWords(choice: Choice): string {
  switch (choice) {
    case "skip":
      return "Skip";
    case "rename":
      return "Keep both";
    case "overwrite":
      return "Replace";
    case "bring":
      return "Bring it here";
  }
}

/** What it means, for a whole kind of clash. */
export function kindWords(kind: Clash["kind"], count: number): string {
  const one = count === 1;
  return kind === "here"
    ? `${files(count)} ${one ? "has" : "have"} the name of another file in this project`
    : `${files(count)} ${one ? "has" : "have"} the name of a photo in another project`;
}

function placeOf({ drops }: UploadView): string {
  const names = [...new Set(drops.map(({ projectName }) => projectName))];
  return names.length === 1 ? `“${names[0]}”` : `${names.length} projects`;
}
