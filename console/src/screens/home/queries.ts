import { queryOptions } from "@tanstack/react-query";
import type { Schemas } from "@/api/client";
import { api, ok } from "@/api/queries";

export type Home = Schemas["HomeShown"];
export type Answer = Schemas["AnswerShown"];
export type State = Answer["state"];

// Its answers come from counts that are kept: cheap to ask. "counts": a live event renews it as well.
export const homeQuery = queryOptions({ queryKey: ["counts", "home"], queryFn: () => ok(api.GET("/v1/home")), refetchInterval: 15_000 });

export const changesQuery = queryOptions({ queryKey: ["changes", "newest"], queryFn: () => ok(api.GET("/v1/changes", { params: { query: { limit: 50 } } })) });
export const changeQuery = (change: string) =>
  queryOptions({ queryKey: ["changes", "one", change], queryFn: () => ok(api.GET("/v1/changes/{change}", { params: { path: { change } } })) });

export const decisionsQuery = queryOptions({
  queryKey: ["journal", "decisions"],
  queryFn: async () => {
    const page = await ok(api.GET("/v1/journal", { params: { query: { subject_kind: "change", limit: 60 } } }));
    return page.items.filter((line) => !line.action.endsWith(".batch")); // batches are reports, not decisions
  },
});
