import { queryOptions } from "@tanstack/react-query";
import type { Schemas } from "@/api/client";
import { api, ok } from "@/api/queries";

export type Verification = Schemas["Verification"];
export type Checkpoint = Schemas["CheckpointShown"];

export const newestCheckpointQuery = queryOptions({
  queryKey: ["journal", "checkpoint"],
  queryFn: () => ok(api.GET("/v1/journal/checkpoints", { params: { query: { limit: 1 } } })),
});
export const checkpointsQuery = queryOptions({
  queryKey: ["journal", "checkpoints"],
  queryFn: () => ok(api.GET("/v1/journal/checkpoints", { params: { query: { limit: 10 } } })),
});
export const keysQuery = queryOptions({ queryKey: ["journal", "keys"], queryFn: () => ok(api.GET("/v1/journal/keys")) });

export interface Meaning {
  tone: "ok" | "bad" | "warn";
  title: string;
  says: string;
}

/** What a verdict means, in words for somebody who has to act on it. */
export const MEANING: Record<Verification["verdict"], Meaning> = {
  ok: { tone: "ok", title: "The journal is whole", says: "Every line continues the one before, its evidence fits, and a signed checkpoint covers the last. Nothing was changed, taken out or added." },
  tampered: { tone: "bad", title: "The journal was tampered with", says: "Something in it is not as it was written. Everything before the line named here still fits. Keep the database and its backups as they are, take an export, and compare with checkpoints you kept elsewhere." },
  tail_not_proven: { tone: "warn", title: "The end is not proven", says: "All that is there fits, but no signed checkpoint covers the last lines. Right after a write this passes within a second: verify again. If it stays, the sealer does not run or the end is missing." },
};
