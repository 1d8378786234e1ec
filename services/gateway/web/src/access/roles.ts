import type { Role } from "../api/types";

export const ROLES: readonly Role[] = ["viewer", "editor", "admin"];

/** What a role may do, in words. */
export const ROLE_WORDS: Readonly<Record<Role, string>> = {
  viewer: "Viewer: looks, and changes nothing",
  editor: "Editor: uploads, tags, moves and removes photos",
  admin: "Admin: also deletes projects, answers questions and gives access",
};
