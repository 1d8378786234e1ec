import { useParams } from "@tanstack/react-router";
import { FolderUp, ImageUp, Upload } from "lucide-react";
import { useRef } from "react";
import { Menu, MenuItem } from "../app/ui/Menu";

/** The button in the header that asks for files or a folder. */
export function UploadButton() {
  const { folder } = useParams({ strict: false });
  const files = useRef<HTMLInputElement>(null);
  const folders = useRef<HTMLInputElement>(null);
  return (
    <>
      <Menu label="Upload" icon={<Upload aria-hidden />}>
        <MenuItem icon={<ImageUp aria-hidden />} onClick={() => files.current?.click()}>
          Files
        </MenuItem>
        <MenuItem icon={<FolderUp aria-hidden />} onClick={() => folders.current?.click()}>
          A folder
        </MenuItem>
      </Menu>
      <input
        ref={files}
        type="file"
        multiple
        hidden
        aria-label="Files to upload"
        onChange={(event) => void offerChosen(event.currentTarget, folder ?? null)}
      />
      <input
        ref={folders}
        type="file"
        multiple
        hidden
        webkitdirectory=""
        aria-label="Folder to upload"
        onChange={(event) => void offerChosen(event.currentTarget, folder ?? null)}
      />
    </>
  );
}

async function offerChosen(input: HTMLInputElement, folder: string | null): Promise<void> {
  const chosen = [...(input.files ?? [])];
  input.value = ""; // so that the same files can be chosen again
  if (chosen.length === 0) return;
  const [{ gatherChosen }, { offer }] = await Promise.all([import("./gathering"), import("./offers")]);
  offer(gatherChosen(chosen), folder);
}
