import { useQuery } from "@tanstack/react-query";
import { Upload } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { projectsQuery } from "../api/projects";
import { say } from "../app/toasts";
import { gatherDropped } from "./gathering";
import { offer } from "./offers";
import styles from "./UploadZone.module.css";

interface UploadZoneProps {
  /** The project that dropped files go to; null where that is to be asked. */
  readonly projectFilter: string | null;
}

/** Takes files that are dropped anywhere on the page; shows where they would go while they hang over it. */
export function UploadZone({ projectFilter }: UploadZoneProps) {
  const hangs = useDrops(projectFilter);
  const { data: projects } = useQuery(projectsQuery);
  if (!hangs) return null;
  const name = projects?.find(({ folder }) => folder === projectFilter)?.name ?? projectFilter;
  return (
    <div className={styles.zone}>
      <div className={styles.words}>
        <Upload aria-hidden />
        <strong>{name === null ? "Drop to upload" : `Drop to upload to “${name}”`}</strong>
        <span>{name === null ? "You choose the project next." : "Files, or folders with all that is in them."}</span>
      </div>
    </div>
  );
}

/** Listens on the whole window; returns whether files hang over it. */
function useDrops(projectFilter: string | null): boolean {
  const [hangs, setHangs] = useState(false);
  const inside = useRef(0); // entering an element comes before leaving the one before
  useEffect(() => {
    const listening = new AbortController();
    const how = { signal: listening.signal, capture: true }; // before whatever keeps files from where nothing takes them
    const hang = (event: DragEvent, by: number) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      inside.current = Math.max(0, inside.current + by);
      setHangs(inside.current > 0 || by === 0); // they hung there already when this came into view
    };
    const take = (event: DragEvent) => {
      inside.current = 0;
      setHangs(false);
      if (!holdsFiles(event) || event.dataTransfer === null) return;
      event.preventDefault();
      void takeIn(event.dataTransfer.items, projectFilter);
    };
    window.addEventListener("dragenter", (event) => hang(event, 1), how);
    window.addEventListener("dragleave", (event) => hang(event, -1), how);
    window.addEventListener("dragover", (event) => hang(event, 0), how);
    window.addEventListener("drop", take, how);
    return () => listening.abort();
  }, [projectFilter]);
  return hangs;
}

function holdsFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes("Files") ?? false;
}

async function takeIn(items: DataTransferItemList, projectFilter: string | null): Promise<void> {
  const gathered = await gatherDropped(items);
  if (gathered.files.length === 0) say("There is no file to upload in what you dropped.");
  else offer(gathered, projectFilter);
}
