import { useMutation } from "@tanstack/react-query";
import { RotateCw } from "lucide-react";
import { useState } from "react";
import { api, bodyOf } from "../api/client";
import { once } from "../api/once";
import { sentenceOf } from "../api/problems";
import { useCan } from "../api/session";
import type { Photo } from "../api/types";
import { say } from "../app/toasts";
import styles from "./Thumbnail.module.css";

/** Has a photo's thumbnail and preview made again; for those who may. */
export function RetryButton({ photo }: { readonly photo: Photo }) {
  const can = useCan();
  const [sentFor, setSentFor] = useState<number | null>(null);
  const retry = useMutation({
    mutationFn: () => processAgain([photo.id]),
    onError: (error) => {
      setSentFor(null);
      say(sentenceOf(error), { tone: "failed" });
    },
  });
  if (!can("editor")) return null;
  const trying = sentFor === photo.version; // the next version says how it ended
  const again = () => {
    if (trying) return;
    setSentFor(photo.version);
    retry.mutate();
  };
  return (
    <button
      type="button"
      className={styles.retry}
      tabIndex={-1}
      data-retry
      aria-label={`Make the thumbnail of ${photo.filename} again`}
      aria-disabled={trying || undefined}
      onClick={again}
    >
      <RotateCw aria-hidden />
      {trying ? "Trying again" : "Try again"}
    </button>
  );
}

/** Starts a task that makes thumbnails and previews again, also those that are up to date. */
export function processAgain(ids: readonly number[]) {
  const body = { items: ids.map((photo_id) => ({ photo_id })), force: true };
  return once((header) => bodyOf(api.POST("/api/photos/process", { params: { header }, body })));
}
