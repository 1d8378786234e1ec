import { CircleAlert, ImageOff, Loader } from "lucide-react";
import { useState } from "react";
import { perform } from "../actions/calls";
import { sayFailed } from "../actions/follower";
import { useCan } from "../api/session";
import type { Photo } from "../api/types";
import { Button } from "../app/ui/Button";
import { reasonInWords } from "../photos/reasonWords";
import styles from "./Stage.module.css";

/** Why there is no preview of a photo, and what can be done about it; nothing where there is one. */
export function NoPicture({ photo }: { readonly photo: Photo }) {
  const can = useCan();
  switch (photo.preview_status) {
    case "generated":
      return null;
    case "pending":
      return (
        <p className={styles.note} role="status">
          <Loader aria-hidden className={styles.turning} />
          The preview is being made.
        </p>
      );
    case "failed":
      return (
        <div className={styles.note} role="status">
          <CircleAlert aria-hidden />
          <p>No preview could be made. {reasonInWords(photo.derivative_reason)}.</p>
          {can("editor") && <Retry key={photo.version} photoId={photo.id} />}
        </div>
      );
    case "missing":
      return <None>Its original is not there, so there is no preview.</None>;
    case "not_supported":
      return <None>There are no previews of files of this kind. The original can be downloaded.</None>;
  }
}

function None({ children }: { readonly children: string }) {
  return (
    <p className={styles.note} role="status">
      <ImageOff aria-hidden />
      {children}
    </p>
  );
}

/** Makes the preview once more. How that ends is told by the photo itself. */
function Retry({ photoId }: { readonly photoId: number }) {
  const [busy, setBusy] = useState(false);
  const again = () => {
    setBusy(true);
    perform({ kind: "process", force: true }, [{ photo_ids: [photoId] }], { photos: 1, lines: [], answers: [] }).catch(
      (error: unknown) => {
        sayFailed(error);
        setBusy(false);
      },
    );
  };
  return (
    <Button busy={busy} onClick={again}>
      {busy ? "Trying again…" : "Try again"}
    </Button>
  );
}
