import type { Analysis, Choice, Clash, Item, Result } from "./item";
import { numbered } from "./order";

/** What was answered for all that follow, by whose the name is. */
export type Answers = Readonly<Record<Clash["kind"], Choice | null>>;

export const NO_ANSWERS: Answers = { here: null, elsewhere: null };

/** Refusals that pass by themselves: something of that name is just on its way. */
const PASSING: ReadonlySet<string> = new Set([
  "being_moved",
  "being_removed",
  "name_taken",
  "bytes_lost",
  "photo_gone",
]);

/** Refusals that the user may do something about, and then try again. */
const CURABLE: ReadonlySet<string> = new Set([
  ...PASSING,
  "storage_full",
  "storage_unavailable",
  "folder_missing",
  "locked",
  "not_placed",
  "size_differs",
  "md5_differs",
  "incomplete",
]);

const MOST_TRIES = 8;
const HIGHEST_NUMBER = 99;

/** The file after what `analyze-files` says of it. */
export function judged(item: Item, said: Analysis, answers: Answers): Item {
  if (!said.accepted) return { ...item, state: "refused", reason: said.reason ?? "The server does not take it." };
  if (said.clash === "none") return { ...item, state: "ready", clash: null, sent: 0 };
  const photoId = said.photo_id ?? null;
  if (item.choice === "bring" && said.clash !== "name_in_other_project") return { ...item, state: "moved", photoId };
  if (said.clash === "same_bytes") return found(item, photoId, null);
  if (said.clash === "name_in_other_project") {
    return clashing(item, { kind: "elsewhere", photoId, projectFolder: said.project_folder ?? null }, answers);
  }
  if (item.md5 === null) return { ...item, state: "hashing" };
  if (said.renamed_before) return found(item, said.renamed_before.photo_id, said.renamed_before.stored_as);
  return clashing(item, { kind: "here", photoId, projectFolder: null }, answers);
}

/** The file after the server's answer to its bytes. */
export function concluded(item: Item, result: Result, answers: Answers): Item {
  const photoId = result.photo_id ?? null;
  const reason = result.reason ?? null;
  const storedAs = result.stored_as ?? null;
  const tried = { ...item, tried: true, uploadUrl: null };
  switch (result.status) {
    case "created":
    case "paired":
    case "renamed":
    case "overwritten":
      return { ...tried, state: "stored", sent: item.size, photoId, storedAs, reason };
    case "skipped":
      return result.code === "same_bytes"
        ? found(item, photoId, storedAs)
        : { ...tried, state: "skipped", photoId, reason };
    case "moving":
      return { ...tried, state: "moving", choice: "bring", photoId };
    case "unfinished":
      return resting(tried, reason);
    case "conflict": {
      const kind = result.code === "name_in_other_project" ? "elsewhere" : "here";
      return clashing({ ...tried, sent: 0 }, { kind, photoId, projectFolder: result.project_folder ?? null }, answers);
    }
    default:
      return refused(tried, result.code ?? "", reason);
  }
}

/** The file once the user said what to do about its name. */
export function answered(item: Item, choice: Choice): Item {
  const { clash } = item;
  if (clash === null) return item;
  if (choice === "skip") return { ...item, state: "skipped", choice, photoId: null, reason: "You chose to skip it." };
  if (clash.kind === "here") return { ...item, state: "ready", choice };
  if (choice === "bring") return { ...item, state: "bringing", choice };
  if (item.number >= HIGHEST_NUMBER) {
    return { ...item, state: "refused", reason: "Other projects have all of its next names." };
  }
  const number = item.number + 1;
  const original = item.path.slice(item.path.lastIndexOf("/") + 1);
  return { ...item, state: "waiting", choice: "rename", number, name: numbered(original, number) };
}

/** What may be said of a clash, the usual first. */
export function choicesFor(clash: Clash): readonly Choice[] {
  return clash.kind === "here" ? ["skip", "rename", "overwrite"] : ["skip", "rename", "bring"];
}

/** Waits a moment for another try; gives up after some. */
export function resting(item: Item, reason: string | null): Item {
  const tries = item.tries + 1;
  return { ...item, state: tries > MOST_TRIES ? "failed" : "resting", sent: 0, tries, reason };
}

/** Tried anew, at the user's word or after a rest. What the server has of it by now is found by its bytes. */
export function again(item: Item): Item {
  return { ...item, state: "waiting", sent: 0, tries: item.state === "failed" ? 0 : item.tries };
}

/** The request broke off: nobody knows what of it came. */
export function interrupted(item: Item): Item {
  return { ...item, state: "waiting", sent: 0, tried: true };
}

function found(item: Item, photoId: number | null, storedAs: string | null): Item {
  const there = { ...item, photoId, storedAs, uploadUrl: null };
  if (item.tried) return { ...there, state: "stored", sent: item.size, reason: null };
  return { ...there, state: "skipped", reason: "The project has this very file already." };
}

function clashing(item: Item, clash: Clash, answers: Answers): Item {
  const asked: Item = { ...item, state: "asking", clash };
  if (item.choice === "bring") return { ...asked, choice: null }; // it did not come, and may not another time
  const said = item.choice === "rename" ? "rename" : answers[clash.kind];
  if (item.number > 1 && said === "rename") return answered({ ...asked, clash: { ...clash, kind: "elsewhere" } }, said);
  return said === null ? asked : answered(asked, said);
}

function refused(item: Item, code: string, reason: string | null): Item {
  if (PASSING.has(code)) return resting(item, reason);
  return { ...item, state: CURABLE.has(code) ? "failed" : "refused", sent: 0, reason };
}
