import { useInfiniteQuery } from "@tanstack/react-query";
import { usePictures } from "../actions/pictures";
import {
  type Confirmation,
  type ConfirmationAnswer,
  type MissedPhoto,
  missedPhotosQuery,
  useAnswer,
} from "../api/maintenance";
import { sentenceOf } from "../api/problems";
import { say } from "../app/toasts";
import { Button } from "../app/ui/Button";
import { Dialog } from "../app/ui/Dialog";
import { More } from "../app/ui/More";
import { PhotoName } from "../tasks/Failures";
import { counted } from "../tasks/words";
import styles from "./Confirmations.module.css";

interface ConfirmationDialogProps {
  readonly confirmation: Confirmation;
  /** The answer that is about to be given; null to look only. */
  readonly answer: ConfirmationAnswer | null;
  readonly onClose: () => void;
}

const BUTTONS = { confirm: "They are gone: remove them", refuse: "Remove nothing" } as const;
const DONE = { confirm: "Confirmed. They are removed now.", refuse: "Refused. Nothing is removed." } as const;

/** What would be removed, photo by photo, and what the answer leads to. */
export function ConfirmationDialog({ confirmation, answer, onClose }: ConfirmationDialogProps) {
  const send = useAnswer();
  const give = (given: ConfirmationAnswer) =>
    send.mutate(
      { id: confirmation.id, answer: given },
      {
        onSuccess: () => {
          onClose();
          say(DONE[given]);
        },
      },
    );
  return (
    <Dialog
      wide
      title={titleOf(confirmation, answer)}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{answer === null ? "Close" : "Cancel"}</Button>
          {answer !== null && (
            <Button
              look={answer === "confirm" ? "danger" : "primary"}
              busy={send.isPending}
              onClick={() => give(answer)}
            >
              {BUTTONS[answer]}
            </Button>
          )}
        </>
      }
    >
      {answer !== null && <p className={styles.consequence}>{consequenceOf(confirmation, answer)}</p>}
      {send.error !== null && <p role="alert">{sentenceOf(send.error)}</p>}
      <Photos confirmationId={confirmation.id} single={confirmation.project_id !== null} />
    </Dialog>
  );
}

function titleOf({ project_folder: folder, lacking }: Confirmation, answer: ConfirmationAnswer | null): string {
  const photos = counted(lacking, "photo");
  if (answer === "confirm") return `Remove ${photos}?`;
  if (answer === "refuse") return `Keep ${photos}?`;
  return `${photos} whose files are gone${folder === null ? "" : `, in ${folder}`}`;
}

function consequenceOf({ project_id: project, lacking }: Confirmation, answer: ConfirmationAnswer): string {
  const photos = counted(lacking, "photo");
  if (answer === "refuse") {
    return `Nothing is removed from the catalogue. If a disk is not mounted, mount it; the next check finds the files again. Scheduled checks ask again once more is gone.`;
  }
  if (project === null) {
    return `The projects whose folders are gone are archived, with ${photos}. They come back by themselves if their folders do.`;
  }
  return `The files are taken off the records of ${photos}, and photos without any file left leave the catalogue, with their tags. If the files come back later, they are known again. Be sure that their disk is mounted before you say so.`;
}

interface PhotosProps {
  readonly confirmationId: string;
  /** They are all of one project. */
  readonly single: boolean;
}

function Photos({ confirmationId, single }: PhotosProps) {
  const query = useInfiniteQuery(missedPhotosQuery(confirmationId));
  const pages = query.data?.pages ?? [];
  return (
    <div>
      <ul className={styles.photos} aria-label="Photos">
        {pages.map((page) => (
          <Missed key={page.items[0]?.photo_id ?? 0} photos={page.items} single={single} />
        ))}
      </ul>
      <More query={query} of="photos" />
    </div>
  );
}

/** A page of them. The thumbnail is there also where the file is not. */
function Missed({ photos, single }: { readonly photos: readonly MissedPhoto[]; readonly single: boolean }) {
  const pictures = usePictures(photos.map((photo) => photo.photo_id));
  return photos.map((photo) => (
    <li key={photo.photo_id} className={styles.photo}>
      <img className={styles.picture} src={pictures.get(photo.photo_id)} alt="" loading="lazy" decoding="async" />
      <p className={styles.name} title={photo.filename}>
        <PhotoName item={photo} where={!single} />
      </p>
      <p className={styles.quiet}>{photo.files.join(", ")}</p>
    </li>
  ));
}
