// Findings: what insight concluded, with evidence (docs/nouns/finding.md). Shapes, queries, who may act on them.
import { queryOptions } from "@tanstack/react-query";
import { api, ok, type Schemas } from "./client";
import { useMay, useSession } from "./queries";

export type Finding = Schemas["FindingShown"];
export type FindingFilter = { state?: "open" | "acknowledged" | "closed" | "live"; severity?: Finding["severity"]; kind?: (typeof FINDING_KINDS)[number]; subject_kind?: Finding["subject"]["kind"]; subject_id?: string };

export const FINDING_KINDS = ["carrier-outage", "core-outage", "profile-outage", "usage-rule", "shipment", "policy-collision"] as const;
export const SEVERITIES = ["critical", "warning", "info"] as const;
export const SUBJECT_KINDS = ["tenant", "account", "carrier", "core", "country", "group", "device", "subscription", "policy", "shipment"] as const;

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
