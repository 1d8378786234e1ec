/** The button in the header that asks for files or a folder. */
export function UploadButton() {
  return null;
}
