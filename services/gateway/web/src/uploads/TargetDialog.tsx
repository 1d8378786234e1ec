import { ProjectPicker } from "../actions/ProjectPicker";
import { say } from "../app/toasts";
import { Dialog } from "../app/ui/Dialog";
import { type Offer, withdraw } from "./offers";
import { uploads } from "./uploads";
import { files } from "./words";

/** Asks which project dropped files are for. */
export function TargetDialog({ offer }: { readonly offer: Offer }) {
  return (
    <Dialog title={`Upload ${files(offer.gathered.files.length)}`} onClose={() => withdraw(offer)}>
      <ProjectPicker
        label="Projects to upload to"
        onPicked={(project) => {
          withdraw(offer);
          uploads.add(offer.gathered, project).catch(() => say("The upload could not begin.", { tone: "failed" }));
        }}
      />
    </Dialog>
  );
}
