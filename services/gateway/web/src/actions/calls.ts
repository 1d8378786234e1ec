import { api, bodyOf } from "../api/client";
import { once } from "../api/once";
import { ApiError } from "../api/problems";
import type { AcceptedTask, Schemas } from "../api/types";
import { type Change, type Reversal, reversalOf, taskOf } from "./changes";
import { type Plan, planOf } from "./plan";
import type { Targets } from "./targets";

/** What came of an action: tasks that were asked for, or what was changed at once and can be taken back. */
export interface Done {
  readonly tasks: readonly AcceptedTask[];
  readonly changed: number;
  readonly failed: number;
  readonly reversals: readonly Reversal[];
}

/** Asks what the change would do to the photos. Nothing is written. */
export async function preview(change: Change, targets: readonly Targets[], signal: AbortSignal): Promise<Plan> {
  const { type, params } = taskOf(change);
  const answers: Schemas["AnyPlan"][] = [];
  for (const one of targets) answers.push(await dryRun({ type, params, targets: one, dry_run: true }, signal));
  return planOf(answers);
}

/** The dry run of any task. */
export async function dryRun(body: Schemas["NewTask"], signal: AbortSignal): Promise<Schemas["AnyPlan"]> {
  const answer = await bodyOf(api.POST("/api/tasks", { body, signal }));
  if (!("dry_run" in answer))
    throw new ApiError({ status: 0, code: "not_foretold", detail: "There is no preview of it." });
  return answer;
}

/** Makes the change: of photos that are named and need no files touched at once, of any others by tasks. */
export async function perform(change: Change, targets: readonly Targets[], plan: Plan): Promise<Done> {
  const done: Done[] = [];
  for (const [at, one] of targets.entries()) {
    const foretold = plan.answers[at];
    const ids = one.photo_ids;
    const atOnce = ids !== undefined && foretold !== undefined && (change.kind === "tags" || change.kind === "keep");
    done.push(atOnce ? await changeAtOnce(change, ids, foretold) : await startTask(change, one));
  }
  return {
    tasks: done.flatMap(({ tasks }) => tasks),
    changed: done.reduce((sum, { changed }) => sum + changed, 0),
    failed: done.reduce((sum, { failed }) => sum + failed, 0),
    reversals: done.flatMap(({ reversals }) => reversals),
  };
}

/** Takes back what was changed at once; returns how many photos that were. */
export async function reverse(reversals: readonly Reversal[]): Promise<number> {
  const photos = new Set<number>();
  for (const { add, remove, keep } of reversals) {
    for (const { photo_id } of [...add, ...remove, ...keep]) photos.add(photo_id);
    await changeTags(add, remove);
    if (keep.length > 0) await changeKeep(keep);
  }
  return photos.size;
}

/** Says what of photos is kept. */
export function changeKeep(items: readonly Schemas["KeptPhoto"][]): Promise<Schemas["ChangesAnswer"]> {
  const body = { items: [...items] };
  return once((header) => bodyOf(api.POST("/api/photos/keep", { params: { header }, body })));
}

/** Gives photos tags, and takes others from them; answers for each of the two that is asked for. */
export async function changeTags(
  add: readonly Schemas["TaggedPhoto"][],
  remove: readonly Schemas["TaggedPhoto"][],
): Promise<readonly Schemas["ChangesAnswer"][]> {
  const answers: Schemas["ChangesAnswer"][] = [];
  // The ones that go first, so that a photo with as many tags as it may have can take others for them.
  if (remove.length > 0) {
    const body = { items: [...remove] };
    answers.push(await once((header) => bodyOf(api.POST("/api/photos/tags/remove", { params: { header }, body }))));
  }
  if (add.length > 0) {
    const body = { items: [...add] };
    answers.push(await once((header) => bodyOf(api.POST("/api/photos/tags/add", { params: { header }, body }))));
  }
  return answers;
}

async function changeAtOnce(change: Change, ids: readonly number[], foretold: Plan["answers"][number]): Promise<Done> {
  const answers =
    change.kind === "keep"
      ? [await changeKeep(ids.map((photo_id) => ({ photo_id, ...change.keep })))]
      : await changeTags(tagged(ids, change, "add"), tagged(ids, change, "remove"));
  const items = answers.flatMap((answer) => answer.items);
  const changed = new Set(items.filter(({ status }) => status === "changed").map(({ photo_id }) => photo_id));
  const failed = new Set(items.filter(({ status }) => status === "failed").map(({ photo_id }) => photo_id));
  const plan = asReversible(foretold);
  const reversals = plan === null ? [] : [reversalOf(plan, changed)];
  return { tasks: [], changed: changed.size, failed: failed.size, reversals };
}

function tagged(ids: readonly number[], change: Change, what: "add" | "remove"): Schemas["TaggedPhoto"][] {
  const tags = change.kind === "tags" ? change[what] : [];
  return tags.length === 0 ? [] : ids.map((photo_id) => ({ photo_id, tags: [...tags] }));
}

function asReversible(plan: Plan["answers"][number]): Schemas["TagsPlan"] | Schemas["KeepPlan"] | null {
  if (!("items" in plan) || plan.items.length === 0) return null;
  return isReversible(plan) ? plan : null;
}

function isReversible(plan: { items: readonly object[] }): plan is Schemas["TagsPlan"] | Schemas["KeepPlan"] {
  const [first] = plan.items;
  return first !== undefined && ("adds" in first || "gives_up" in first);
}

async function startTask(change: Change, targets: Targets): Promise<Done> {
  const body = { ...taskOf(change), targets };
  const answer = await once((header) => bodyOf(api.POST("/api/tasks", { params: { header }, body })));
  const tasks = "task" in answer ? [answer.task] : [];
  return { tasks, changed: 0, failed: 0, reversals: [] };
}

/** What a commit removes, or a revert keeps again, of these projects. It is no commit, and so not limited as they are. */
export async function previewPending(
  type: "change_commit_all" | "change_revert",
  folders: readonly string[],
  signal: AbortSignal,
): Promise<Plan> {
  const filter = { pending_deletion: true, project_folders: [...folders] };
  return planOf([await dryRun({ type, targets: { filter }, dry_run: true }, signal)]);
}

/** Removes what is pending in these projects. */
export async function commit(folders: readonly string[]): Promise<AcceptedTask> {
  const body = { projects: [...folders] };
  return accepted(await once((header) => bodyOf(api.POST("/api/photos/commit-changes", { params: { header }, body }))));
}

/** Keeps again what is pending in these projects. */
export async function revert(folders: readonly string[]): Promise<AcceptedTask> {
  const body = { projects: [...folders] };
  return accepted(await once((header) => bodyOf(api.POST("/api/photos/revert-changes", { params: { header }, body }))));
}

export async function previewDeletion(folder: string, signal: AbortSignal): Promise<Schemas["DeletionPlan"]> {
  const params = { path: { folder }, query: { dry_run: true } };
  const answer = await bodyOf(api.DELETE("/api/projects/{folder}", { params, signal }));
  if ("task" in answer) throw new ApiError({ status: 0, code: "not_foretold", detail: "It was deleted at once." });
  return answer;
}

export async function deleteProject(folder: string): Promise<AcceptedTask> {
  return accepted(
    await once((header) => bodyOf(api.DELETE("/api/projects/{folder}", { params: { path: { folder }, header } }))),
  );
}

export async function previewUndo(taskId: string): Promise<Plan> {
  const path = { task_id: taskId };
  const body = { dry_run: true };
  const answer = await once((header) =>
    bodyOf(api.POST("/api/tasks/{task_id}/undo", { params: { path, header }, body })),
  );
  return planOf("task" in answer ? [] : [answer]);
}

export async function undo(taskId: string): Promise<AcceptedTask> {
  const path = { task_id: taskId };
  const body = { dry_run: false };
  return accepted(
    await once((header) => bodyOf(api.POST("/api/tasks/{task_id}/undo", { params: { path, header }, body }))),
  );
}

export function readTask(taskId: string): Promise<Schemas["TaskDetail"]> {
  return bodyOf(api.GET("/api/tasks/{task_id}", { params: { path: { task_id: taskId } } }));
}

function accepted(answer: Schemas["TaskAnswer"] | object): AcceptedTask {
  if ("task" in answer) return answer.task;
  throw new ApiError({ status: 0, code: "not_started", detail: "The server did not say which task it started." });
}
