import { Lock } from "lucide-react";
import { EmptyState } from "../app/ui/EmptyState";

/** Stands in the place of a page for admins. */
export function NotAllowed() {
  return (
    <EmptyState icon={<Lock aria-hidden />} title="This page is for admins">
      Sign in with the token of an admin to see it.
    </EmptyState>
  );
}
