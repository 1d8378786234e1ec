import { useState } from "react";
import { ApiError, sentenceOf } from "../api/problems";
import type { Project } from "../api/types";
import { Button } from "../app/ui/Button";
import { Dialog } from "../app/ui/Dialog";
import type { Selection } from "../photos/selection";
import { ChangeDialog } from "./ChangeDialog";
import { ProjectPicker } from "./ProjectPicker";
import { rememberProject } from "./recentProjects";
import { selectionInWords } from "./targets";

interface MoveDialogProps {
  readonly selection: Selection;
  readonly onClose: () => void;
}

/** Asks where the photos that are selected are to go, says what that would do to each, and moves them. */
export function MoveDialog({ selection, onClose }: MoveDialogProps) {
  const [destination, setDestination] = useState<Project | null>(null);
  const photos = selectionInWords(selection);
  if (destination === null) {
    return (
      <Dialog title={`Move ${photos}`} onClose={onClose} actions={<Button onClick={onClose}>Cancel</Button>}>
        <ProjectPicker onPicked={setDestination} />
      </Dialog>
    );
  }
  const { folder, name } = destination;
  return (
    <ChangeDialog
      key={folder}
      title={`Move ${photos} to “${name}”`}
      selection={selection}
      change={{ kind: "move", folder, name }}
      verb="Move"
      words={(moved) => ({ doing: `Moving ${moved} to “${name}”`, done: `Moved ${moved} to “${name}”` })}
      sentence={(error) => (error instanceof ApiError ? error.at("dest_folder") : undefined) ?? sentenceOf(error)}
      onClose={() => {
        rememberProject(destination);
        onClose();
      }}
    >
      <div>
        <Button look="quiet" onClick={() => setDestination(null)} data-autofocus>
          Choose another project
        </Button>
      </div>
    </ChangeDialog>
  );
}
