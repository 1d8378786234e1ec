import { FolderInput, ImagePlus, ListChecks, Tag, X } from "lucide-react";
import { lazy, type ReactNode, Suspense, useState } from "react";
import { Button, IconButton } from "../app/ui/Button";
import { countOf } from "../photos/selection";
import { selectionStore, useSelection } from "../photos/selectionStore";
import { FootBar } from "./FootBar";
import styles from "./SelectionBar.module.css";
import { selectionInWords } from "./targets";

const TagsDialog = lazy(() => import("./TagsDialog").then((part) => ({ default: part.TagsDialog })));
const KeepDialog = lazy(() => import("./KeepDialog").then((part) => ({ default: part.KeepDialog })));
const MoveDialog = lazy(() => import("./MoveDialog").then((part) => ({ default: part.MoveDialog })));
const ProcessDialog = lazy(() => import("./ProcessDialog").then((part) => ({ default: part.ProcessDialog })));

interface SelectionBarProps {
  readonly projectFilter: string | null;
}

type Asked = "tags" | "keep" | "move" | "process";

/** What can be done with the photos that are selected, wherever they lie; nothing while none is. */
export function SelectionBar(_props: SelectionBarProps) {
  const selection = useSelection();
  const [asked, setAsked] = useState<Asked | null>(null);
  const close = () => setAsked(null);
  const count = countOf(selection);
  const words = selectionInWords(selection);
  if (count === 0 && asked !== null) close(); // another selection is not asked about by itself
  return (
    <>
      <p className="heard" role="status">
        {count > 0 && `${words} selected`}
      </p>
      {count > 0 && (
        <FootBar className={styles.bar} aria-label="Selected photos" data-selection-bar>
          <span className={styles.count} title={words}>
            {selection.kind === "matching" ? `All ${count.toLocaleString("en")} that match` : words}
          </span>
          <Tool label="Tags" icon={<Tag aria-hidden />} onClick={() => setAsked("tags")} />
          <Tool label="Keep or remove" icon={<ListChecks aria-hidden />} onClick={() => setAsked("keep")} />
          <Tool label="Move" icon={<FolderInput aria-hidden />} onClick={() => setAsked("move")} />
          <Tool label="New thumbnails" icon={<ImagePlus aria-hidden />} onClick={() => setAsked("process")} />
          <IconButton label="Clear the selection" onClick={() => selectionStore.clear()}>
            <X aria-hidden />
          </IconButton>
        </FootBar>
      )}
      {count > 0 && (
        <Suspense>
          {asked === "tags" && <TagsDialog selection={selection} onClose={close} />}
          {asked === "keep" && <KeepDialog selection={selection} onClose={close} />}
          {asked === "move" && <MoveDialog selection={selection} onClose={close} />}
          {asked === "process" && <ProcessDialog selection={selection} onClose={close} />}
        </Suspense>
      )}
    </>
  );
}

interface ToolProps {
  readonly label: string;
  readonly icon: ReactNode;
  readonly onClick: () => void;
}

/** A button that is its icon alone where there is little room. */
function Tool({ label, icon, onClick }: ToolProps) {
  return (
    <Button look="quiet" className={styles.tool} icon={icon} aria-label={label} title={label} onClick={onClick}>
      <span className={styles.label}>{label}</span>
    </Button>
  );
}
