/** How many questions wait for an answer, beside the link to them; nothing while none does. */
export function ConfirmationsBadge() {
  return null;
}
