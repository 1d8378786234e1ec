import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { parseAddress, writeAddress } from "../view/address";
import { PhotosPage } from "../view/PhotosPage";
import { parseViewSearch } from "../view/search";
import { Broken } from "./ErrorBoundary";
import { NotFound } from "./NotFound";
import { Shell } from "./Shell";

// The gateway answers with the client at the first part of each of these paths (`photobus_gateway/web.py`): one that is
// added here is added there.

const root = createRootRoute({
  component: Shell,
  notFoundComponent: NotFound,
  errorComponent: ({ error, reset }) => <Broken error={error} again={reset} />,
});

const allPhotos = createRoute({
  getParentRoute: () => root,
  path: "/",
  validateSearch: parseViewSearch,
  component: PhotosPage,
});

const project = createRoute({
  getParentRoute: () => root,
  path: "/projects/$folder",
  validateSearch: parseViewSearch,
  component: PhotosPage,
});

const tasks = createRoute({
  getParentRoute: () => root,
  path: "/tasks",
  component: lazyRouteComponent(() => import("../tasks/TaskListPage"), "TaskListPage"),
});

const task = createRoute({
  getParentRoute: () => root,
  path: "/tasks/$taskId",
  component: lazyRouteComponent(() => import("../tasks/TaskPage"), "TaskPage"),
});

const maintenance = createRoute({
  getParentRoute: () => root,
  path: "/maintenance",
  component: lazyRouteComponent(() => import("../maintenance/MaintenancePage"), "MaintenancePage"),
});

const access = createRoute({
  getParentRoute: () => root,
  path: "/access",
  component: lazyRouteComponent(() => import("../access/AccessPage"), "AccessPage"),
});

const audit = createRoute({
  getParentRoute: () => root,
  path: "/audit",
  component: lazyRouteComponent(() => import("../access/AuditPage"), "AuditPage"),
});

export const router = createRouter({
  routeTree: root.addChildren([allPhotos, project, tasks, task, maintenance, access, audit]),
  parseSearch: parseAddress,
  stringifySearch: writeAddress,
  defaultPreload: "intent",
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
