import type { Project } from "../api/types";

interface DeleteProjectDialogProps {
  readonly project: Project;
  readonly onClose: () => void;
}

/** Says what would go with a project, and deletes it. */
export function DeleteProjectDialog(_props: DeleteProjectDialogProps) {
  return null;
}
