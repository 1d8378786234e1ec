import { useRef } from "react";
import { say } from "../app/toasts";
import { Button } from "../app/ui/Button";
import type { Drop } from "./drop";
import { gatherAgain, gatherChosen } from "./gathering";
import styles from "./UploadSheet.module.css";
import { uploads } from "./uploads";

/** Files of a drop that a reload has interrupted: the browser asks before they are read again, or the user shows them. */
export function Interrupted({ drop }: { readonly drop: Drop }) {
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const goOn = (chosen: FileList | null) => void uploads.goOn(gatherChosen([...(chosen ?? [])]), drop);
  return (
    <div className={styles.interrupted}>
      <p>
        The page was loaded anew while files were on their way to “{drop.projectName}”. Drop or choose the same files
        again: what is there already is not sent a second time.
      </p>
      <div className={styles.buttons}>
        {drop.roots.length > 0 && (
          <Button look="primary" onClick={() => void goOnByItself(drop)}>
            Go on
          </Button>
        )}
        <Button onClick={() => files.current?.click()}>Choose the files</Button>
        <Button onClick={() => folder.current?.click()}>Choose the folder</Button>
      </div>
      <input
        ref={files}
        type="file"
        multiple
        hidden
        aria-label="The same files again"
        onChange={(event) => goOn(event.currentTarget.files)}
      />
      <input
        ref={folder}
        type="file"
        multiple
        hidden
        webkitdirectory=""
        aria-label="The same folder again"
        onChange={(event) => goOn(event.currentTarget.files)}
      />
    </div>
  );
}

/** The browser asks whether they may be read again; what it does not find any more has to be shown to it. */
async function goOnByItself(drop: Drop): Promise<void> {
  const gathered = await gatherAgain(drop.roots);
  if (gathered.files.length === 0) say("The browser cannot read them by itself. Drop or choose them again.");
  else await uploads.goOn(gathered, drop);
}
