import type { components } from "./schema";

/** The shapes of the API by their names in its OpenAPI document. */
export type Schemas = components["schemas"];

export type Photo = Schemas["PhotoView"];
export type PhotoFilter = Schemas["PhotoFilter"];
export type Project = Schemas["ProjectView"];
export type Session = Schemas["Session"];
export type Role = Session["role"];
export type AcceptedTask = Schemas["AcceptedTask"];
