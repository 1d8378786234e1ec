import type { Schemas } from "../api/types";
import { photosInWords } from "./targets";

type ApiPlan = Schemas["AnyPlan"] | Schemas["UndoPlan"];
type PlannedItem = Extract<ApiPlan, { items: readonly unknown[] }>["items"][number];

/** What a preview says of one photo. */
export interface PlanLine {
  readonly photo_id: number;
  readonly project_folder: string | null;
  readonly filename: string | null;
  /** Whether something will be done to it, nothing has to be, or something cannot be. */
  readonly outcome: "does" | "nothing" | "refused";
  readonly words: string;
  /** What is more than was asked for, and so to be seen at once: it gets another name, or it goes with its files. */
  readonly besides: "renamed" | "goes" | null;
}

/** What would be done, as the dry run of each request of an action foretells it. */
export interface Plan {
  /** How many photos it is about; `lines` tell of the first of them. */
  readonly photos: number;
  readonly lines: readonly PlanLine[];
  /** The dry runs' answers. */
  readonly answers: readonly ApiPlan[];
}

/** Makes one plan of the dry runs' answers. */
export function planOf(answers: readonly ApiPlan[]): Plan {
  return {
    photos: answers.reduce((sum, answer) => sum + answer.photos, 0),
    lines: answers.flatMap(itemsOf).map(lineOf),
    answers,
  };
}

export function countWith(plan: Plan, outcome: PlanLine["outcome"]): number {
  return plan.lines.reduce((sum, line) => sum + (line.outcome === outcome ? 1 : 0), 0);
}

function countOf(plan: Plan, besides: "renamed" | "goes"): number {
  return plan.lines.reduce((sum, line) => sum + (line.besides === besides ? 1 : 0), 0);
}

/** Whether it tells of all of its photos, and nothing would be done to any. */
export function isEmpty(plan: Plan): boolean {
  return plan.lines.length >= plan.photos && countWith(plan, "does") === 0;
}

/** `10 photos will change, 2 stay as they are, 1 cannot be changed.` */
export function summaryOf(plan: Plan): string {
  const does = countWith(plan, "does");
  const nothing = countWith(plan, "nothing");
  const refused = countWith(plan, "refused");
  const parts = [
    does > 0 || nothing + refused === 0 ? `${photosInWords(does)} will change` : "No photo will change",
    ...(nothing > 0
      ? [`${nothing.toLocaleString("en")} ${nothing === 1 ? "stays as it is" : "stay as they are"}`]
      : []),
    ...(refused > 0 ? [`${refused.toLocaleString("en")} cannot be changed`] : []),
  ];
  const renamed = countOf(plan, "renamed");
  const goes = countOf(plan, "goes");
  const besides = [
    ...(renamed > 0 ? [` ${photosInWords(renamed)} will get another name.`] : []),
    ...(goes > 0 ? [` ${photosInWords(goes)} will be gone with all files.`] : []),
  ];
  const first = plan.lines.length < plan.photos ? `Of the first ${photosInWords(plan.lines.length)}: ` : "";
  return `${first}${parts.join(", ")}.${besides.join("")}`;
}

function itemsOf(answer: ApiPlan): readonly PlannedItem[] {
  return "items" in answer ? answer.items : [];
}

type Verdict = readonly [outcome: PlanLine["outcome"], words: string, besides?: PlanLine["besides"]];

function lineOf(item: PlannedItem): PlanLine {
  const [outcome, words, besides = null] = verdictOf(item);
  const { photo_id, project_folder, filename } = item;
  return { photo_id, project_folder, filename, outcome, words, besides };
}

function verdictOf(item: PlannedItem): Verdict {
  if ("adds" in item) return ofTags(item);
  if ("gives_up" in item) return ofKeep(item);
  if ("new_filename" in item) return ofMove(item);
  if ("photo_goes" in item) return ofCommit(item);
  if ("what" in item) return ofUndo(item);
  if ("makes" in item) return ofDerivatives(item);
  if ("removes" in item)
    return ["does", `${listed(item.removes)} ${item.removes.length === 1 ? "goes" : "go"} to the trash`];
  return item.status === "reads" ? ["does", `${listed(item.files)} will be read again`] : ["refused", NO_ORIGINAL];
}

const NO_ORIGINAL = "Its original is not there.";

function ofTags({ status, adds, removes, reason }: Schemas["PlannedTags"]): Verdict {
  if (status === "fails") return ["refused", reason ?? "It cannot have these tags."];
  if (status === "unchanged") return ["nothing", "Has these tags so already"];
  const gets = adds.length > 0 ? [`gets ${listed(adds.map(quoted))}`] : [];
  const loses = removes.length > 0 ? [`loses ${listed(removes.map(quoted))}`] : [];
  return ["does", sentence([...gets, ...loses].join(", "))];
}

const KINDS = { jpg: "JPEG", raw: "RAW", other: "other file" } as const;

function ofKeep({ status, keeps, gives_up }: Schemas["PlannedKeep"]): Verdict {
  if (status === "unchanged") return ["nothing", "Is marked so already"];
  const kept = keeps.length > 0 ? [`keeps its ${listed(keeps.map((kind) => KINDS[kind]))}`] : [];
  const given =
    gives_up.length > 0 ? [`its ${listed(gives_up.map((kind) => KINDS[kind]))} will be marked for removal`] : [];
  return ["does", sentence([...kept, ...given].join(", "))];
}

function ofMove({ status, reason, filename, new_filename }: Schemas["PlannedMove"]): Verdict {
  if (status === "stays") return ["nothing", reason ?? "Stays where it is"];
  if (new_filename === null || new_filename === filename) return ["does", "Moves"];
  return ["does", `Moves and is called ${quoted(new_filename)}: its name is taken there`, "renamed"];
}

function ofCommit({ removes, photo_goes }: Schemas["PlannedRemoval"]): Verdict {
  if (removes.length === 0) return ["nothing", "Keeps all its files"];
  const goes = `${listed(removes)} ${removes.length === 1 ? "goes" : "go"} to the trash`;
  return photo_goes ? ["does", `${goes}, and the photo leaves the project`, "goes"] : ["does", goes];
}

function ofUndo({ status, what, reason }: Schemas["PlannedUndo"]): Verdict {
  if (status === "unchanged") return ["nothing", "Nothing was done to it"];
  if (status === "refused") return ["refused", reason ?? "It cannot be taken back."];
  const back = what.map(withKind).join(", ");
  return ["does", reason === null ? back : `${back}. ${reason}`];
}

function ofDerivatives({ status, source }: Schemas["PlannedDerivatives"]): Verdict {
  if (status === "fails") return ["refused", NO_ORIGINAL];
  if (status === "unchanged") return ["nothing", "Its thumbnail and preview are up to date"];
  return [
    "does",
    source === null ? "Gets a new thumbnail and preview" : `Gets a new thumbnail and preview from ${source}`,
  ];
}

/** What an undo says of a kind begins with the API's word for it. */
function withKind(what: string): string {
  return what.replace(/^(jpg|raw|other)(?= is )/, (kind) =>
    kind === "jpg" ? "JPEG" : kind === "raw" ? "RAW" : "other file",
  );
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function quoted(text: string): string {
  return `“${text}”`;
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(texts: readonly string[]): string {
  if (texts.length <= 1) return texts.join("");
  return `${texts.slice(0, -1).join(", ")} and ${texts.at(-1)}`;
}
