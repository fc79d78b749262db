// Changes as the API tells them. The schema leaves `story` and the rows of moves and operations open; these are the
// words that the store writes there (store/changes.py, engine/stories.py, engine/stages.py).
import { queryOptions } from "@tanstack/react-query";
import { api, ok, type Schemas } from "./client";
import type { Recipe } from "./plans";
import type { operations } from "./schema";

export interface Decision {
  admitted?: number;
  verified?: number;
  failed?: number;
  open?: number;
  superseded?: number;
  undone?: number;
  max_failed_percent?: number;
  [more: string]: unknown;
}

export interface Batch {
  wave: number;
  country: string;
  carrier: string;
  stage: number;
  percent: number;
  state: string;
  admitted: number;
  opened_at: string | null;
  decided_at: string | null;
  decision: Decision | null; // the numbers of then
  moves: Record<string, number>; // the numbers of now, by state
}

export interface Story {
  batches: Batch[];
  strata: { country: string; carrier: string; moves: Record<string, number> }[];
  moves: Record<string, number>;
  operations: Record<string, number>;
  barred: number;
  held_out: number;
  waiting: number;
}

export interface Approval {
  principal: string;
  verdict: "approve" | "refuse";
  note: string;
  at: string;
}

export interface Rollout {
  stages: number[];
  gate: { max_failed: number; min_verified: number; wait_s: number; bake_s: number; accept_acknowledged: boolean };
  on_failure: "rollback" | "pause";
  hold_out: number;
  approvals: number;
}

export type ChangeStory = Omit<Schemas["ChangeStory"], "story" | "approvals" | "rollout"> & { story: Story; approvals: Approval[]; rollout: Rollout };

export interface Move {
  device: string;
  name: string;
  wave: number;
  country: string;
  carrier: string;
  stage: number;
  state: string;
  leg: number; // 1 forward, else back
  step: number;
  attempt: number;
  opened_at: string | null;
  settled_at: string | null;
  outcome: string | null;
  situation: number;
}

/** What is done to devices that are alike, in a wave of a Change. */
export interface ChangeSituation {
  no: number;
  devices: number;
  facts: {
    country: string;
    carrier: string;
    reachable: boolean;
    target: { account: string; present: boolean; state: string } | null;
    current: { account: string; present: boolean; state: string } | null;
    changes: { facet: string; before: unknown; after: unknown }[];
  };
  recipe: Recipe;
}

export interface Operation {
  id: string;
  change: string | null;
  wave: number;
  device: string | null;
  device_name: string | null;
  facet: string;
  generation: number;
  leg: "forward" | "back";
  step: number;
  attempt: number;
  driver: string;
  verb: string;
  state: string;
  reason: string | null;
  arguments: Record<string, unknown>;
  evidence: Record<string, unknown>[] | null;
  dispatched_at: string | null;
  settled_at: string | null;
  deadline: string | null;
}

export const changeQuery = (change: string) =>
  queryOptions({
    queryKey: ["changes", "one", change],
    queryFn: async () => (await ok(api.GET("/v1/changes/{change}", { params: { path: { change } } }))) as unknown as ChangeStory,
  });

export type MoveFilter = Omit<NonNullable<operations["list_moves_v1_changes__change__moves_get"]["parameters"]["query"]>, "cursor" | "limit">;

export async function movesPage(change: string, filter: MoveFilter, cursor: string | undefined) {
  const page = await ok(api.GET("/v1/changes/{change}/moves", { params: { path: { change }, query: { ...filter, cursor, limit: 200 } } }));
  return { ...page, items: page.items as unknown as Move[] };
}

export type OperationFilter = Omit<NonNullable<operations["list_operations_v1_operations_get"]["parameters"]["query"]>, "cursor" | "limit">;

export async function operationsPage(filter: OperationFilter, cursor?: string, limit = 200) {
  const page = await ok(api.GET("/v1/operations", { params: { query: { ...filter, cursor, limit } } }));
  return { ...page, items: page.items as unknown as Operation[] };
}

export const situationsQuery = (change: string, wave: number) =>
  queryOptions({
    queryKey: ["changes", "situations", change, wave],
    queryFn: async () => (await ok(api.GET("/v1/changes/{change}/situations", { params: { path: { change }, query: { wave } } }))).items as unknown as ChangeSituation[],
    staleTime: 60_000, // what a wave does is written when it opens
  });

/** The Change's own lines in the journal, newest first. */
export const linesQuery = (change: string) =>
  queryOptions({
    queryKey: ["journal", "change", change],
    queryFn: () => ok(api.GET("/v1/journal", { params: { query: { change, subject_kind: "change", limit: 300 } } })),
  });
