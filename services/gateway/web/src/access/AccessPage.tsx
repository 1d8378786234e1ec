/** The tokens: who may do what (`/access`). */
export function AccessPage() {
  return null;
}
