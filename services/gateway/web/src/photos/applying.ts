import type { LiveMessage } from "../live/messages";
import type { ListChanges } from "./changes";
import type { Questions } from "./questions";

/** Has a list follow a message; what that leaves open is asked. Says whether the message may have been about it. */
export function apply(message: LiveMessage, changes: ListChanges, questions: Questions): boolean {
  switch (message.name) {
    case "item":
      questions.add(message.data.photo_id, changes.item(message.data));
      return true;
    case "item_moved":
      questions.add(message.data.photo_id, changes.moved(message.data));
      return true;
    case "item_removed":
      questions.drop(message.data.photo_id);
      changes.removed(message.data);
      return true;
    case "project_canceled":
    case "project_removed":
      changes.projectGone(message.data.project_folder);
      return true;
    case "project_renamed":
      changes.projectCalled(message.data.project_id, { project_name: message.data.name });
      return true;
    case "folder_renamed": {
      const { project_id, new_folder, project_name } = message.data;
      changes.projectCalled(project_id, { project_folder: new_folder, project_name });
      return true;
    }
    default:
      return false;
  }
}
