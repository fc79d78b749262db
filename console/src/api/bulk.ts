// Bulk actions: one verb asked of many lines. Shapes, queries, and what each verb is asked for (docs/nouns/bulk.md).
import { queryOptions } from "@tanstack/react-query";
import { api, ok, type Schemas } from "./client";
import { useMay, useSession } from "./queries";

export type Bulk = Schemas["BulkShown"];
export type BulkLine = Schemas["BulkLineShown"];
export type BulkPreview = Schemas["BulkPreview"];
export type BulkAsked = Schemas["BulkAsked"];
export type BulkVerb = BulkAsked["verb"];
export type LinesSent = Schemas["LinesSent"];

interface Verb {
  verb: BulkVerb;
  label: string;
  about: string;
  /** What it is asked for beside the lines. */
  takes?: "plan" | "bytes" | "group" | "imei" | "networks" | "text";
}

export const BULK_VERBS: { title: string; verbs: Verb[] }[] = [
  {
    title: "State",
    verbs: [
      { verb: "activate", label: "Activate", about: "Each line goes into service at its carrier." },
      { verb: "suspend", label: "Suspend", about: "Each line is taken out of service at its carrier, and can come back." },
      { verb: "standby", label: "Set aside (standby)", about: "Each line is set aside, where its carrier and plan have such a state." },
      { verb: "deactivate", label: "Deactivate", about: "Each line is switched off at its carrier." },
    ],
  },
  {
    title: "Terms",
    verbs: [
      { verb: "set_plan", label: "Change the plan", about: "Each line moves to another plan of its carrier.", takes: "plan" },
      { verb: "set_limit", label: "Limit the data", about: "Each line may use so much and no more.", takes: "bytes" },
      { verb: "set_group", label: "Put into a group", about: "Each line goes into a group that its carrier keeps.", takes: "group" },
      { verb: "set_imei_lock", label: "Lock to an IMEI", about: "Each line works in that one device only.", takes: "imei" },
      { verb: "set_network_policy", label: "Say which networks", about: "Each line uses only these networks, or none of these.", takes: "networks" },
    ],
  },
  {
    title: "Once",
    verbs: [
      { verb: "send_sms", label: "Send a message", about: "A text message to each line. Whether it arrives is not told.", takes: "text" },
      { verb: "reset_connection", label: "Reset the connection", about: "The session of each line ends, so that its device attaches anew." },
    ],
  },
  {
    title: "The end",
    verbs: [
      { verb: "allow_termination", label: "Allow termination", about: "Takes off the carrier’s own protection; ends nothing by itself." },
      { verb: "terminate", label: "Terminate", about: "Each line ends for good. The usage of the last month is read and kept before." },
    ],
  },
];
const KNOWN = new Map<string, Verb>(BULK_VERBS.flatMap((part) => part.verbs).map((one) => [one.verb, one]));

export const verbOf = (verb: string): Verb | undefined => KNOWN.get(verb);
export const verbLabel = (verb: string): string => (verb === "undo" ? "Take back" : (KNOWN.get(verb)?.label ?? verb.replaceAll("_", " ")));

/** Whose way back is kept: states and plans. */
export const TAKEN_BACK = new Set<string>(["activate", "suspend", "standby", "deactivate", "set_plan"]);
export const BULK_OVER = new Set<string>(["done", "cancelled"]);
export const LINE_STATES = ["pending", "dispatched", "delivered", "acknowledged", "verified", "unknown", "failed", "refused", "expired", "superseded"] as const;

const POLL_MS = 3_000; // an event tells when lines settle; what has only left us leaves none

export const bulkQuery = (id: string) =>
  queryOptions({
    queryKey: ["bulk", "one", id],
    queryFn: () => ok(api.GET("/v1/bulk/{bulk}", { params: { path: { bulk: id } } })),
    refetchInterval: (query) => (query.state.data?.state === "running" ? POLL_MS : false),
  });

export const bulkPage = (cursor: string | undefined, limit = 100) => ok(api.GET("/v1/bulk", { params: { query: { cursor, limit } } }));

export const linesPage = (id: string, state: BulkLine["state"] | undefined, cursor: string | undefined) =>
  ok(api.GET("/v1/bulk/{bulk}/lines", { params: { path: { bulk: id }, query: { state, cursor, limit: 200 } } }));

/** Why the person may not start or steer one; undefined where they may. It is a right over the whole fleet. */
export function useMayAsk(permission = "commands.send"): string | undefined {
  const session = useSession();
  const forbidden = useMay(permission);
  return forbidden ?? (session.departments.length > 0 ? `it reaches lines of the whole fleet, and you are bound to ${session.departments.join(", ")}` : undefined);
}

/** What was asked, with its arguments, in a few words: "Limit the data: 500 MB". */
export function argumentsInWords(args: Record<string, unknown>, bytes: (n: number) => string): string | null {
  const parts = Object.entries(args).map(([name, value]) => {
    if (name === "bytes") return typeof value === "number" ? bytes(value) : "no limit";
    if (name === "imei") return value === null ? "no lock" : String(value);
    if (name === "group") return value === null ? "no group" : String(value);
    if (name === "plmns") return Array.isArray(value) && value.length > 0 ? value.join(", ") : "none";
    if (name === "kind") return value === "allow" ? "only" : "all but";
    return String(value);
  });
  return parts.length > 0 ? parts.join(" ") : null;
}

/** How its lines were chosen, in a few words. */
export function selectedInWords(selected: Record<string, unknown>, number: (n: number) => string): string {
  return Object.entries(selected)
    .map(([name, value]) => (name === "iccids" ? `${number(Number(value))} by ICCID` : name === "where" ? `facts ${String(value)}` : name === "undo" ? `those that ${String(value)} changed` : `${name.replaceAll("_", " ")} ${String(value).replaceAll("_", " ")}`))
    .join(", ");
}
