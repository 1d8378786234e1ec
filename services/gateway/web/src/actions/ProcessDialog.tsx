import type { Selection } from "../photos/selection";
import { ChangeDialog } from "./ChangeDialog";
import { selectionInWords } from "./targets";

interface ProcessDialogProps {
  readonly selection: Selection;
  readonly onClose: () => void;
}

/** Makes the thumbnails and previews of the photos that are selected anew. */
export function ProcessDialog({ selection, onClose }: ProcessDialogProps) {
  return (
    <ChangeDialog
      title={`New thumbnails and previews for ${selectionInWords(selection)}`}
      selection={selection}
      change={{ kind: "process", force: true }}
      verb="Make them"
      words={(photos) => ({
        doing: `Making thumbnails and previews of ${photos}`,
        done: `Made thumbnails and previews of ${photos}`,
      })}
      onClose={onClose}
    />
  );
}
