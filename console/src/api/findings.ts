// Findings: what insight concluded, with evidence (docs/nouns/finding.md). Shapes, queries, who may act on them.
import { queryOptions } from "@tanstack/react-query";
import { api, ok, type Schemas } from "./client";
import { useMay, useSession } from "./queries";
import type { operations } from "./schema";

export type Finding = Schemas["FindingShown"];
export type FindingFilter = Omit<NonNullable<operations["list_findings_v1_findings_get"]["parameters"]["query"]>, "cursor" | "limit">;

export const findingsPage = (filter: FindingFilter, cursor: string | undefined) => ok(api.GET("/v1/findings", { params: { query: { ...filter, cursor, limit: 100 } } }));

export const findingCountsQuery = queryOptions({ queryKey: ["findings", "counts"], queryFn: () => ok(api.GET("/v1/findings/counts")) });

export const findingQuery = (id: string) =>
  queryOptions({
    queryKey: ["findings", "one", id],
    queryFn: () => ok(api.GET("/v1/findings/{finding}", { params: { path: { finding: id } } })),
  });

/** Why the person may not acknowledge or close; undefined where they may. Findings are of the whole fleet. */
export function useMaySteer(): string | undefined {
  const session = useSession();
  const forbidden = useMay("findings.write");
  return forbidden ?? (session.departments.length > 0 ? `findings are of the whole fleet, and you are bound to ${session.departments.join(", ")}` : undefined);
}
