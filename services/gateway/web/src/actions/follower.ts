import { sentenceOf } from "../api/problems";
import type { AcceptedTask } from "../api/types";
import { say } from "../app/toasts";
import type { LiveMessage } from "../live/messages";
import { readTask } from "./calls";
import { afterEnd, type Ending, endingOf, endingOfRead, endToldBy, type Followed, followedOf } from "./followed";
import { askUndo } from "./undoing";

interface Words {
  /** `Moving 12 photos…` */
  readonly doing: string;
  /** `Moved 12 photos.` */
  readonly done: string;
  /** Whether it can be taken back, as most can. */
  readonly undoable?: boolean;
}

interface Group {
  readonly words: Words;
  readonly taskIds: readonly string[];
  readonly dismiss: () => void;
  followed: Followed;
}

/** Follows the tasks that were started in this tab, and says in a toast how each ended, with a way to take it back. */
class Follower {
  readonly #groups = new Set<Group>();

  /** Says that they were started, and later how they ended. */
  follow(tasks: readonly AcceptedTask[], words: Words): void {
    const taskIds = tasks.map(({ id }) => id);
    const group: Group = { words, taskIds, dismiss: say(words.doing), followed: followedOf(taskIds) };
    this.#groups.add(group);
    this.#read(group); // one may have ended before its request was answered
  }

  heard(message: LiveMessage): void {
    if (message.name === "reset") for (const group of this.#groups) this.#read(group);
    const told = endToldBy(message);
    if (told === null) return;
    for (const group of this.#groups) this.#ended(group, told.id, told.ending);
  }

  #read(group: Group): void {
    for (const id of group.followed.open) {
      readTask(id).then(
        (task) => {
          const ending = endingOfRead(task);
          if (ending !== null) this.#ended(group, id, ending);
        },
        () => undefined, // a message will tell; to read it was only in case that one was missed
      );
    }
  }

  #ended(group: Group, id: string, ending: Ending): void {
    group.followed = afterEnd(group.followed, id, ending);
    if (group.followed.open.size > 0 || !this.#groups.delete(group)) return;
    group.dismiss();
    tell(group, endingOf(group.followed));
  }
}

function tell({ words, taskIds }: Group, ending: Ending): void {
  const action = words.undoable === false ? null : { label: "Undo", run: () => askUndo(taskIds) };
  if (ending.status === "failed") say(ending.error ?? "It failed.", { tone: "failed" });
  else if (ending.status === "canceled") say("It was canceled before its end.", { action });
  else if (ending.failed === 0) say(words.done, { action });
  else say(`${words.done} ${failedInWords(ending.failed)}`, { tone: "failed", action });
}

function failedInWords(count: number): string {
  return count === 1
    ? "One photo failed; the task says why."
    : `${count.toLocaleString("en")} photos failed; the task says why.`;
}

export const follower = new Follower();

/** Says that something did not come about. */
export function sayFailed(error: unknown): void {
  say(sentenceOf(error), { tone: "failed" });
}
