import type { operations } from "../api/schema";
import type { PhotoFilter } from "../api/types";
import { FILTERS, type Order, type Sort, type ViewSearch } from "./search";

/** What the user looks at. All Photos and a project differ in `project_filter` alone. */
export interface View {
  /** The folder of the project, or null for all photos. */
  readonly project_filter: string | null;
  readonly search: ViewSearch;
  readonly sort: Sort;
  readonly order: Order;
  /** The photo in the viewer. */
  readonly photo: number | null;
  readonly selecting: boolean;
}

export type ListQuery = NonNullable<operations["list_photos"]["parameters"]["query"]>;

/** Photos come newest or largest first, names from A to Z. */
const USUAL_ORDER: Readonly<Record<Sort, Order>> = { taken_at: "desc", filename: "asc", size: "desc" };

export function viewOf(projectFilter: string | null, search: ViewSearch): View {
  const sort = search.sort ?? "taken_at";
  return {
    project_filter: projectFilter,
    search,
    sort,
    order: search.order ?? USUAL_ORDER[sort],
    photo: search.photo ?? null,
    selecting: search.select === true,
  };
}

/** The filter of a view as tasks take it (`targets: {filter}`): all that the view shows, and nothing else. */
export function filterOf(view: View): PhotoFilter {
  const { search, project_filter } = view;
  const filter: Record<string, unknown> = {};
  for (const name of FILTERS) {
    if (search[name] !== undefined) filter[name] = search[name];
  }
  return project_filter === null ? filter : { ...filter, project_folder: project_filter };
}

/** The parameters that lists of a view's photos take: `/api/photos`, `/api/photos/timeline`, `/api/photos/all-keys`. */
export function listQueryOf(view: View): ListQuery {
  const { project_folder, date_from, date_to, status, text, pending_deletion, ...rest } = filterOf(view);
  return {
    ...rest,
    ...(project_folder == null ? {} : { project_folder }),
    ...(date_from == null ? {} : { date_from }),
    ...(date_to == null ? {} : { date_to }),
    ...(status == null ? {} : { status }),
    ...(text == null ? {} : { text }),
    ...(pending_deletion == null ? {} : { pending_deletion }),
    sort: view.sort,
    order: view.order,
  };
}

/** Whether the view shows less than all of its scope. */
export function isFiltered(view: View): boolean {
  return FILTERS.some((name) => view.search[name] !== undefined);
}
