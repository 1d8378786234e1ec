import { Link } from "@tanstack/react-router";
import type { Schemas } from "../api/types";
import styles from "./Panel.module.css";
import { cameraInWords, placeInWords, settingsInWords, sizeInWords, takenInWords } from "./words";

/** What its files say of a photo, and where it lies. What is not known is left out. */
export function DetailsSection({ photo }: { readonly photo: Schemas["PhotoDetail"] }) {
  const facts = [
    ["Taken", takenInWords(photo)],
    ["Camera", cameraInWords(photo)],
    ["Lens", photo.lens ?? ""],
    ["Settings", settingsInWords(photo)],
    ["Size", sizeInWords(photo)],
    ["Place", placeInWords(photo)],
  ] as const;
  return (
    <section className={styles.section}>
      <h3>Details</h3>
      <dl className={styles.facts}>
        <div>
          <dt>Project</dt>
          <dd>
            <Link to="/projects/$folder" params={{ folder: photo.project_folder }}>
              {photo.project_name}
            </Link>
          </dd>
        </div>
        {facts
          .filter(([, words]) => words !== "")
          .map(([name, words]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{words}</dd>
            </div>
          ))}
      </dl>
    </section>
  );
}
