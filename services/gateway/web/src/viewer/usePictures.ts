import { useState } from "react";
import type { Photo } from "../api/types";
import { useLive } from "../live/LiveProvider";
import { renewsPicture } from "./photoChanges";

export interface Addresses {
  readonly thumbnail: string | null;
  readonly preview: string | null;
}

/**
 * The addresses of a photo's pictures, those that were made.
 *
 * A picture is asked for by the version at which it was first seen, until a message says that it is another: a photo's
 * version rises with every tag, and each time the browser would load the same picture.
 */
export function usePictures(): (photo: Photo) => Addresses {
  const [first] = useState(() => new Map<number, number>());
  const [renewed, setRenewed] = useState<ReadonlyMap<number, number>>(new Map());
  useLive((message) => {
    const id = renewsPicture(message);
    if (id === null || message.name !== "item") return;
    const { version } = message.data;
    setRenewed((before) => new Map([...before, [id, version]]));
  });
  return (photo) => {
    if (!first.has(photo.id)) first.set(photo.id, photo.version);
    const version = renewed.get(photo.id) ?? first.get(photo.id);
    const address = (what: string) => `/api/photos/${photo.id}/${what}?v=${version}`;
    return {
      thumbnail: photo.thumbnail_status === "generated" ? address("thumbnail") : null,
      preview: photo.preview_status === "generated" ? address("preview") : null,
    };
  };
}
