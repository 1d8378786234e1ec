import { Download } from "lucide-react";
import { bytesInWords } from "../actions/bytes";
import { useCan } from "../api/session";
import type { Schemas } from "../api/types";
import { classes } from "../app/ui/classes";
import { Checkbox } from "../app/ui/Field";
import { isKept, type Kind } from "./kinds";
import styles from "./Panel.module.css";
import { kindInWords, originalAddress } from "./words";

interface FilesSectionProps {
  readonly photo: Schemas["PhotoDetail"];
  readonly onKept: (kind: Kind, kept: boolean) => void;
}

const ORDER: readonly Schemas["FileView"]["kind"][] = ["jpg", "raw", "other", "sidecar"];

/** The files of a photo by their kinds, each to be downloaded; and which kinds are kept. */
export function FilesSection({ photo, onKept }: FilesSectionProps) {
  const present = ORDER.filter((kind) => photo.files.some((file) => file.kind === kind));
  return (
    <section className={styles.section}>
      <h3>Files</h3>
      {present.map((kind) => (
        <KindGroup key={kind} photo={photo} kind={kind} onKept={onKept} />
      ))}
    </section>
  );
}

interface KindGroupProps extends FilesSectionProps {
  readonly kind: Schemas["FileView"]["kind"];
}

function KindGroup({ photo, kind, onKept }: KindGroupProps) {
  const kept = kind === "sidecar" || isKept(photo, kind);
  return (
    <div className={classes(styles.kind, !kept && styles.going)}>
      <div className={styles.kindHead}>
        <span className={styles.badge}>{kindInWords(kind)}</span>
        {kind !== "sidecar" && <KeepMark kind={kind} kept={kept} onKept={onKept} />}
      </div>
      <ul>
        {photo.files
          .filter((file) => file.kind === kind)
          .map(({ name, size }) => (
            <li key={name} className={styles.file}>
              <span className={styles.fileName}>{name}</span>
              <small>{bytesInWords(size)}</small>
              <a
                className={styles.download}
                href={originalAddress(photo.id, name, true)}
                download={name}
                aria-label={`Download ${name}`}
                title={`Download ${name}`}
              >
                <Download aria-hidden />
              </a>
            </li>
          ))}
      </ul>
    </div>
  );
}

interface KeepMarkProps {
  readonly kind: Kind;
  readonly kept: boolean;
  readonly onKept: (kind: Kind, kept: boolean) => void;
}

function KeepMark({ kind, kept, onKept }: KeepMarkProps) {
  const can = useCan();
  if (!can("editor")) return <small>{kept ? "Kept" : "Marked for removal"}</small>;
  return (
    <Checkbox
      className={styles.keep}
      checked={kept}
      aria-label={`Keep ${kindInWords(kind)}`}
      label={kept ? "Keep" : "Marked for removal"}
      onChange={({ target }) => onKept(kind, target.checked)}
    />
  );
}
