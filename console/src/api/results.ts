// What became of each device in a Change, by the device's name: for tables that show results row by row.
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, ok } from "./client";

export interface Result {
  state: string;
  /** Why it ended so, in the engine's words; null while it is open. */
  outcome: string | null;
}
export type Results = ReadonlyMap<string, Result>;

const PAGES = 5; // of a thousand moves; the Change's own screen has them all

export function useResults(change: string | undefined): Results | undefined {
  const { data } = useQuery({
    queryKey: ["changes", "results", change],
    enabled: change !== undefined,
    queryFn: async () => {
      const found: [string, Result][] = [];
      let cursor: string | undefined;
      for (let page = 0; page < PAGES; page += 1) {
        const part = await ok(api.GET("/v1/changes/{change}/moves", { params: { path: { change: change ?? "" }, query: { limit: 1_000, cursor } } }));
        for (const move of part.items) found.push([String(move.name), { state: String(move.state), outcome: typeof move.outcome === "string" ? move.outcome : null }]);
        cursor = part.next ?? undefined;
        if (!cursor) break;
      }
      return found;
    },
  });
  return useMemo(() => (change ? new Map(data ?? []) : undefined), [change, data]);
}
