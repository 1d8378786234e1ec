import { RotateCw } from "lucide-react";
import { useRef, useState } from "react";
import { api, bodyOf } from "../api/client";
import { once } from "../api/once";
import { sentenceOf } from "../api/problems";
import { useCan } from "../api/session";
import type { Photo } from "../api/types";
import { say } from "../app/toasts";
import { useLive } from "../live/LiveProvider";
import styles from "./Thumbnail.module.css";

const ENDS: ReadonlySet<string> = new Set(["task_completed", "task_failed", "task_canceled"]);

/** Has a photo's thumbnail and preview made again; for those who may. */
export function RetryButton({ photo }: { readonly photo: Photo }) {
  const can = useCan();
  /** The task that is at it; "asked" until it is known. */
  const [task, setTask] = useState<string | null>(null);
  /** Tasks that ended while it was not known yet which one it is. */
  const ended = useRef<Set<string>>(new Set());
  useLive(({ name, data }) => {
    if (!ENDS.has(name) || !("id" in data) || task === null) return;
    ended.current.add(String(data.id));
    if (data.id === task) setTask(null);
  });
  if (!can("editor")) return null;
  const again = () => {
    if (task !== null) return;
    ended.current.clear();
    setTask("asked");
    processAgain(photo.id).then(
      (id) => setTask(id === null || ended.current.has(id) ? null : id),
      (error: unknown) => {
        setTask(null);
        say(sentenceOf(error), { tone: "failed" });
      },
    );
  };
  return (
    <button
      type="button"
      className={styles.retry}
      tabIndex={-1}
      data-retry
      aria-label={`${task === null ? "Try again" : "Trying again"}: ${photo.filename}`}
      aria-disabled={task !== null || undefined}
      onClick={again}
    >
      <RotateCw aria-hidden />
      {task === null ? "Try again" : "Trying again"}
    </button>
  );
}

/** Starts a task that makes a photo's thumbnail and preview, whatever is there; returns its id. */
export async function processAgain(photoId: number): Promise<string | null> {
  const body = { items: [{ photo_id: photoId }], force: true };
  const answer = await once((header) => bodyOf(api.POST("/api/photos/process", { params: { header }, body })));
  return "task" in answer ? answer.task.id : null; // the other answer is that of a dry run
}
