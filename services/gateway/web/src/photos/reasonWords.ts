/** Why a photo has no thumbnail and preview, by the words of the derivatives service, as sentences for people. */
const REASONS: Readonly<Record<string, string>> = {
  empty_file: "The file is empty",
  not_an_image: "The file is no picture",
  unsupported_format: "Files of this kind cannot be shown",
  too_many_pixels: "The picture is too large",
  truncated: "The file is cut off",
  corrupt: "The file is damaged",
  memory_limit: "To make it took too much memory",
  time_limit: "To make it took too long",
  decoder_died: "The file could not be read safely",
  no_original: "The photo has no file",
  original_missing: "The file is not in its folder",
  unreadable: "The file cannot be read",
  folder_missing: "The folder of the project is missing",
};

/** A reason as people read it; a newer server may have words that this page does not know. */
export function reasonInWords(reason: string | null): string {
  if (reason === null) return "It could not be made";
  return REASONS[reason] ?? reason.replaceAll("_", " ");
}
