// Reading and writing through TanStack Query. The first word of every key is the noun it shows, so that a live
// event can say "devices moved" without knowing who looks: ["devices", …], ["changes", …], ["journal", …].
import {
  QueryClient,
  infiniteQueryOptions,
  queryOptions,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
  type QueryKey,
} from "@tanstack/react-query";
import { useMemo } from "react";
import { notifications } from "@mantine/notifications";
import { api, csrf, freshKey, ok, raw, type Schemas } from "./client";
import { ApiProblem, explain, oneLine } from "./problems";
import type { operations } from "./schema";

export type Session = Schemas["Session"];
export type Device = Schemas["DeviceShown"];
export type DeviceDetails = Schemas["DeviceDetailsShown"];
export type Counts = Schemas["Counts"];
export type Country = Schemas["CountryShown"];
export type Job = Schemas["JobShown"];
export type Change = Schemas["ChangeShown"];
export type DeviceFilter = NonNullable<operations["list_devices_v1_devices_get"]["parameters"]["query"]>;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      gcTime: 10 * 60_000,
      refetchOnWindowFocus: false, // events tell what moved
      retry: (count, error) => count < 2 && !(error instanceof ApiProblem && error.status < 500),
    },
    mutations: { retry: false },
  },
});

// --- pages ---------------------------------------------------------------------------------------

export interface PageOf<T> {
  items: T[];
  next?: string | null;
  complete?: boolean;
}

/** A keyset list, page by page, as `DataTable` takes it: `pages={usePages(["changes", filter], (cursor) => …)}`. */
export function usePages<T>(key: QueryKey, fetchPage: (cursor: string | undefined) => Promise<PageOf<T>>, enabled = true) {
  const query = useInfiniteQuery(
    infiniteQueryOptions({
      queryKey: key,
      queryFn: ({ pageParam }) => fetchPage(pageParam),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: (last) => last.next ?? undefined,
      enabled,
      placeholderData: (before) => before,
    }),
  );
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.items) ?? [], [query.data]);
  return {
    rows,
    loading: query.isPending && enabled,
    loadingMore: query.isFetchingNextPage,
    filtering: query.isPlaceholderData, // the rows shown are still those of the filter before
    error: query.error,
    more: query.hasNextPage,
    loadMore: query.fetchNextPage,
    retry: query.refetch,
  };
}

export type Pages<T> = ReturnType<typeof usePages<T>>;

/** Rows that are all here already, in the shape that `DataTable` takes. */
export function wholeList<T>(query: { data?: T[] | undefined; isPending: boolean; error: Error | null; refetch: () => unknown }): Pages<T> {
  return {
    rows: query.data ?? [],
    loading: query.isPending,
    loadingMore: false,
    filtering: false,
    error: query.error,
    more: false,
    loadMore: (() => Promise.resolve()) as unknown as Pages<T>["loadMore"],
    retry: query.refetch as Pages<T>["retry"],
  };
}

// --- who is here ---------------------------------------------------------------------------------

/** Null where nobody is signed in. */
export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: async (): Promise<Session | null> => {
    if (!csrf()) return null; // the cookie beside the session's: without it there is none to ask about
    try {
      return await ok(api.GET("/v1/session"));
    } catch (error) {
      if (error instanceof ApiProblem && error.status === 401) return null;
      throw error;
    }
  },
  staleTime: Number.POSITIVE_INFINITY,
});

export function useSession(): Session {
  const { data } = useQuery(sessionQuery);
  if (!data) throw new Error("this screen is shown to people who are signed in");
  return data;
}

/** Undefined when the person may; else the reason for a disabled button. */
export function useMay(permission: string | undefined): string | undefined {
  const session = useSession();
  if (permission === undefined || session.permissions.includes(permission)) return undefined;
  return `needs the permission ${permission}; your roles: ${session.roles.join(", ") || "none"}`;
}

// --- the fleet -----------------------------------------------------------------------------------

export const tenantQuery = queryOptions({ queryKey: ["tenant"], queryFn: () => ok(api.GET("/v1/tenant")), staleTime: 600_000 });
export const countsQuery = queryOptions({ queryKey: ["counts"], queryFn: () => ok(api.GET("/v1/counts")) });
export const countriesQuery = queryOptions({
  queryKey: ["countries", "all"],
  queryFn: () => ok(api.GET("/v1/countries")),
  staleTime: 60_000,
});
export const presentCountriesQuery = queryOptions({
  queryKey: ["countries", "present"],
  queryFn: () => ok(api.GET("/v1/countries", { params: { query: { present: true } } })),
});

export const useCounts = () => useQuery(countsQuery);
export const useCountries = () => useQuery(countriesQuery);
export const usePresentCountries = () => useQuery(presentCountriesQuery);

export function useDevices(filter: DeviceFilter) {
  return usePages<Device>(["devices", "list", filter], (cursor) =>
    ok(api.GET("/v1/devices", { params: { query: { ...filter, cursor, limit: 200 } } })),
  );
}

export const deviceQuery = (ref: string) =>
  queryOptions({ queryKey: ["devices", "one", ref], queryFn: () => ok(api.GET("/v1/devices/{ref}", { params: { path: { ref } } })) });

/** What the API says of a device's resolved chain; its shape is not in the schema yet. */
export interface Why {
  class: number;
  held_out: boolean;
  in_force: { policy: string; revision: number; priority: number; match: string; until: string; reason: string }[];
  values: Record<string, { document: Record<string, unknown>; reasons: unknown }>;
  facets: Record<string, unknown>[];
  exceptions: { policy: string; why: string; change: string | null; since: string | null }[];
  moves: Record<string, unknown>[];
}

export const whyQuery = (ref: string) =>
  queryOptions({
    queryKey: ["devices", "why", ref],
    queryFn: async () => (await ok(api.GET("/v1/devices/{device}/why", { params: { path: { device: ref } } }))) as unknown as Why,
  });

// --- long work -----------------------------------------------------------------------------------

/** A job until it ends; survives a reload because the URL or the Jobs screen knows its id. */
export function useJob(id: string | undefined) {
  return useQuery({
    queryKey: ["jobs", "one", id],
    queryFn: () => ok(api.GET("/v1/jobs/{job}", { params: { path: { job: id ?? "" } } })),
    enabled: id !== undefined,
    refetchInterval: (query) => (query.state.data?.state === "running" ? 1_000 : false),
  });
}

// --- writing -------------------------------------------------------------------------------------

interface Write<V, R> {
  /** The call. `key` is one per intent: pass it as the header Idempotency-Key where the endpoint keeps answers. */
  send: (variables: V, key: string) => Promise<R>;
  /** First words of the query keys that are read anew: ["changes", "devices"]. */
  touches?: string[];
  /** What to say when it is done; nothing when left out. */
  done?: (result: R, variables: V) => string;
  /** False where the form itself shows the problem. */
  tellProblem?: boolean;
}

/** A write: one key per intent, a lost connection is tried again with the same key, then the screens are refreshed. */
export function useWrite<V = void, R = unknown>({ send, touches = [], done, tellProblem = true }: Write<V, R>) {
  const client = useQueryClient();
  return useMutation<R, Error, V>({
    mutationFn: async (variables) => {
      const key = freshKey();
      for (let attempt = 0; ; attempt += 1) {
        try {
          return await send(variables, key);
        } catch (error) {
          if (!(error instanceof TypeError) || attempt >= 2) throw error;
          await new Promise((resolve) => setTimeout(resolve, 800 * (attempt + 1)));
        }
      }
    },
    onSuccess: async (result, variables) => {
      if (done) notifications.show({ message: done(result, variables), color: "teal" });
      await Promise.all(touches.map((noun) => client.invalidateQueries({ queryKey: [noun] })));
    },
    onError: (error) => {
      if (tellProblem) notifications.show({ title: explain(error).what, message: oneLine(error), color: "red", autoClose: 12_000 });
    },
  });
}

export { api, ok, raw };
