// Every address of the console. A screen is a folder under `screens/`: `index.tsx` (default export, a chunk of its
// own) and `search.ts` (its search parameters). All routes are here already; fill the folders.
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { queryClient, sessionQuery } from "./api/queries";
import { NoSuchPage, ScreenFailed, ScreenLoads } from "./frame/Faults";
import { Shell } from "./frame/Shell";
import { SetupPage, SignInPage, signInSearch } from "./frame/SignIn";
import { parseSearch, stringifySearch } from "./frame/url";
import { search as bulkSearch } from "./screens/bulk/search";
import { search as changeSearch } from "./screens/change/search";
import { search as changesSearch } from "./screens/changes/search";
import { search as connectivitySearch } from "./screens/connectivity/search";
import { search as countriesSearch } from "./screens/countries/search";
import { search as deviceSearch } from "./screens/device/search";
import { search as findingsSearch } from "./screens/findings/search";
import { search as fleetSearch } from "./screens/fleet/search";
import { search as jobsSearch } from "./screens/jobs/search";
import { search as journalSearch } from "./screens/journal/search";
import { search as planSearch } from "./screens/plan/search";
import { search as policiesSearch } from "./screens/policies/search";
import { search as policySearch } from "./screens/policy/search";
import { search as referenceSearch } from "./screens/reference/search";
import { search as settingsSearch } from "./screens/settings/search";

const root = createRootRoute();
const signIn = createRoute({ getParentRoute: () => root, path: "/sign-in", component: SignInPage, validateSearch: signInSearch });
const setup = createRoute({ getParentRoute: () => root, path: "/setup", component: SetupPage });

const inside = createRoute({
  getParentRoute: () => root,
  id: "inside",
  component: Shell,
  beforeLoad: async ({ location }) => {
    const session = await queryClient.ensureQueryData(sessionQuery);
    if (!session) {
      queryClient.removeQueries(sessionQuery);
      throw redirect({ to: "/sign-in", search: location.href === "/" ? {} : { to: location.href } });
    }
  },
});
const at = { getParentRoute: () => inside } as const;

const home = createRoute({ ...at, path: "/", component: lazyRouteComponent(() => import("./screens/home")) });
const fleet = createRoute({ ...at, path: "/fleet", validateSearch: fleetSearch, component: lazyRouteComponent(() => import("./screens/fleet")) });
const device = createRoute({ ...at, path: "/devices/$ref", validateSearch: deviceSearch, component: lazyRouteComponent(() => import("./screens/device")) });
const connectivity = createRoute({ ...at, path: "/connectivity", validateSearch: connectivitySearch, component: lazyRouteComponent(() => import("./screens/connectivity")) });
const carrier = createRoute({ ...at, path: "/carriers/$account", component: lazyRouteComponent(() => import("./screens/carrier")) });
const subscription = createRoute({ ...at, path: "/subscriptions/$ref", component: lazyRouteComponent(() => import("./screens/subscription")) });
const bulk = createRoute({ ...at, path: "/bulk/$bulk", validateSearch: bulkSearch, component: lazyRouteComponent(() => import("./screens/bulk")) });
const policies = createRoute({ ...at, path: "/policies", validateSearch: policiesSearch, component: lazyRouteComponent(() => import("./screens/policies")) });
const policy = createRoute({ ...at, path: "/policies/$kind/$name", validateSearch: policySearch, component: lazyRouteComponent(() => import("./screens/policy")) });
const changes = createRoute({ ...at, path: "/changes", validateSearch: changesSearch, component: lazyRouteComponent(() => import("./screens/changes")) });
const change = createRoute({ ...at, path: "/changes/$change", validateSearch: changeSearch, component: lazyRouteComponent(() => import("./screens/change")) });
const plan = createRoute({ ...at, path: "/plans/$plan", validateSearch: planSearch, component: lazyRouteComponent(() => import("./screens/plan")) });
const jobs = createRoute({ ...at, path: "/jobs", validateSearch: jobsSearch, component: lazyRouteComponent(() => import("./screens/jobs")) });
const job = createRoute({ ...at, path: "/jobs/$job", component: lazyRouteComponent(() => import("./screens/job")) });
const findings = createRoute({ ...at, path: "/findings", validateSearch: findingsSearch, component: lazyRouteComponent(() => import("./screens/findings")) });
const finding = createRoute({ ...at, path: "/findings/$finding", component: lazyRouteComponent(() => import("./screens/finding")) });
const countries = createRoute({ ...at, path: "/countries", validateSearch: countriesSearch, component: lazyRouteComponent(() => import("./screens/countries")) });
const country = createRoute({ ...at, path: "/countries/$code", component: lazyRouteComponent(() => import("./screens/country")) });
const journal = createRoute({ ...at, path: "/journal", validateSearch: journalSearch, component: lazyRouteComponent(() => import("./screens/journal")) });
const reference = createRoute({ ...at, path: "/reference", validateSearch: referenceSearch, component: lazyRouteComponent(() => import("./screens/reference")) });
const settings = createRoute({ ...at, path: "/settings", validateSearch: settingsSearch, component: lazyRouteComponent(() => import("./screens/settings")) });
const nowhere = createRoute({ ...at, path: "$", component: NoSuchPage }); // within the frame: areas and search stay at hand

const tree = root.addChildren([
  signIn,
  setup,
  inside.addChildren([
    home, fleet, device, connectivity, carrier, subscription, bulk, policies, policy, changes, change, plan, jobs, job, findings, finding, countries, country, journal, reference, settings, nowhere,
  ]),
]);

export const router = createRouter({
  routeTree: tree,
  parseSearch,
  stringifySearch,
  defaultPreload: "intent",
  defaultPreloadStaleTime: 0, // queries keep what they read
  scrollRestoration: true,
  defaultErrorComponent: ScreenFailed,
  defaultNotFoundComponent: NoSuchPage,
  defaultPendingComponent: ScreenLoads,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
