// Changes as the API tells them. The schema leaves `story` and the rows of moves and operations open; these are the
// words that the store writes there (store/changes.py, engine/stories.py, engine/stages.py).
import { queryOptions } from "@tanstack/react-query";
import { api, ok, type Schemas } from "./client";

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
  decision: Decision | null;
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
