// The journal's lines, newest first, page by page. New ones come in at the top while one is there; who has scrolled
// down is told how many wait, and nothing moves under their eyes.
import { type InfiniteData, infiniteQueryOptions, useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo } from "react";
import type { Schemas } from "@/api/client";
import { useLiveness } from "@/api/live";
import { api, ok, type Pages } from "@/api/queries";
import type { Filter } from "./search";

export type Line = Schemas["LineShown"];
interface LinePage {
  items: Line[];
  next?: string | null;
}

const PAGE = 200;
const NEWEST = 50;

const read = (filter: Filter, limit: number, cursor?: string): Promise<LinePage> =>
  ok(api.GET("/v1/journal", { params: { query: { ...(filter as Record<string, never>), cursor, limit } } }));

// Not under "journal": an event must not read a hundred pages anew, only the newest lines.
const linesQuery = (filter: Filter) =>
  infiniteQueryOptions({
    queryKey: ["lines", filter],
    queryFn: ({ pageParam }) => read(filter, PAGE, pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
    placeholderData: (before: InfiniteData<LinePage, string | undefined> | undefined) => before,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });

/** `hold`: new lines wait. */
export function useLines(filter: Filter, hold: boolean) {
  const client = useQueryClient();
  const live = useLiveness().state === "live";
  const { queryKey } = linesQuery(filter);
  const list = useInfiniteQuery(linesQuery(filter));
  const newest = useQuery({
    queryKey: ["journal", "newest", filter],
    queryFn: () => read(filter, NEWEST),
    refetchInterval: live ? false : 15_000,
  });

  const rows = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  const settled = list.data !== undefined && !list.isPlaceholderData && !list.isFetching;
  const fresh = useMemo(() => {
    if (!settled || !newest.data) return [];
    const known = new Set(rows.slice(0, 2 * NEWEST).map((line) => line.id));
    return newest.data.items.filter((line) => !known.has(line.id));
  }, [settled, newest.data, rows]);
  const gap = fresh.length === NEWEST && rows.length > 0; // more came than one look can tell

  const takeIn = useCallback(() => {
    if (gap) {
      void client.resetQueries({ queryKey });
      return;
    }
    client.setQueryData<InfiniteData<LinePage, string | undefined>>(queryKey, (before) => {
      const first = before?.pages[0];
      if (!before || !first) return before;
      const items = [...fresh, ...first.items].sort((a, b) => (a.at === b.at ? (a.id < b.id ? 1 : -1) : a.at < b.at ? 1 : -1));
      return { ...before, pages: [{ ...first, items }, ...before.pages.slice(1)] };
    });
  }, [client, fresh, gap, queryKey]);

  useEffect(() => {
    if (fresh.length > 0 && !hold) takeIn();
  }, [fresh, hold, takeIn]);

  // A line is sealed about a second after it was written: what came later about it is filled in, in place.
  useEffect(() => {
    const sealed = new Map(newest.data?.items.filter((line) => line.seq !== null).map((line) => [line.id, line]));
    if (!settled || !rows.some((line) => line.seq === null && sealed.has(line.id))) return;
    client.setQueryData<InfiniteData<LinePage, string | undefined>>(queryKey, (before) =>
      before && { ...before, pages: before.pages.map((page) => ({ ...page, items: page.items.map((line) => (line.seq === null ? (sealed.get(line.id) ?? line) : line)) })) },
    );
  }, [client, newest.data, queryKey, rows, settled]);
  const unsealed = rows.slice(0, NEWEST).some((line) => line.seq === null);
  const { refetch } = newest;
  useEffect(() => {
    if (!unsealed) return;
    const later = setTimeout(() => void refetch(), 1_500);
    return () => clearTimeout(later);
  }, [unsealed, refetch, newest.dataUpdatedAt]);

  const pages: Pages<Line> = {
    rows,
    loading: list.isPending,
    loadingMore: list.isFetchingNextPage,
    filtering: list.isPlaceholderData,
    error: list.error,
    more: list.hasNextPage,
    loadMore: list.fetchNextPage as unknown as Pages<Line>["loadMore"],
    retry: list.refetch as unknown as Pages<Line>["retry"],
  };
  return { pages, waiting: hold ? fresh.length : 0, manyWait: gap, takeIn };
}

/** One line by its id and instant, also when the list is not so far down. */
export function useLine(id: string | undefined, at: string | undefined, rows: Line[]) {
  const here = id === undefined ? undefined : rows.find((line) => line.id === id);
  const found = useQuery({
    queryKey: ["lines", "one", id, at],
    queryFn: async (): Promise<Line | null> => {
      const since = at as string;
      const until = new Date(Date.parse(since) + 1).toISOString();
      const page = await read({ since, until }, 1_000);
      return page.items.find((line) => line.id === id) ?? null;
    },
    enabled: id !== undefined && here === undefined && at !== undefined && !Number.isNaN(Date.parse(at)),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return { line: here ?? found.data ?? undefined, missing: !here && (found.data === null || (found.isPending && !found.isFetching)), error: here ? null : found.error, retry: found.refetch };
}
