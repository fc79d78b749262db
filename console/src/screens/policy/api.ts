// Policies, facts and the language, as the API tells them. `about` and the history are open in the schema; these are the
// words that edge/api/plans.py writes there.
import { queryOptions } from "@tanstack/react-query";
import { api, ok, raw, type Schemas } from "@/api/client";
import { ApiProblem } from "@/api/problems";

export const KINDS = ["Policy", "Strategy", "Steering", "SessionPolicy", "Grant", "UsageRule"] as const;
export type Kind = (typeof KINDS)[number];
export const isKind = (word: string | undefined): word is Kind => KINDS.includes(word as Kind);

/** What each kind says, in a line: docs/policy-language.md. */
export const SAYS: Record<Kind, string> = {
  Policy: "what should be on the devices that match",
  Strategy: "which way in each country takes",
  Steering: "which networks devices should prefer",
  SessionPolicy: "what to do with a session at once",
  Grant: "who may talk to what",
  UsageRule: "what follows when a line uses too much, grows or falls silent",
};

export interface About {
  name?: string;
  labels?: Record<string, string>;
  priority?: number;
  match?: string;
  until?: string;
  sets?: string[];
  reason?: string;
  observe?: boolean;
}

export interface KeptPolicy {
  kind: Kind;
  name: string;
  revision: number;
  about: About;
  change: string | null;
  since: string;
  no_driver_yet: boolean;
}

export interface Revision {
  number: number;
  state: "proposed" | "trial" | "kept" | "superseded" | "dropped";
  about: About;
  text: string;
  removed: boolean;
  change: string | null;
  author: string;
  created_at: string;
}

export interface PolicyHistory {
  kind: Kind;
  name: string;
  no_driver_yet: boolean;
  revisions: Revision[];
}

export type Fact = Schemas["FactShown"];
export type PolicyCount = Schemas["PolicyCount"];
export type Checked = Schemas["Checked"];
export type TestShown = Schemas["TestShown"];
export type Standing = "in_force" | "waiting_in" | "waiting_out" | "barred" | "held_out";
export type StandingDevice = Schemas["StandingDevice"];

/** A fault of the checker: line and column count from 1, columns in code points. */
export interface Fault {
  file: string;
  line: number;
  column: number;
  path: string;
  value: string;
  expected: string;
}

/** A fault in a line. Of a condition, the checker says what to do; of a field, what it expected. */
export function sayFault({ value, expected }: Fault): string {
  const told = /^(did you mean|write|one of|use |a known)/.test(expected) ? expected : `expected ${expected}`;
  return value ? `${value}: ${told}` : told;
}

// The language, from GET /v1/policies/schema.
export interface Field {
  path: string;
  type: string;
  expected: string;
  words: string[];
  context: string | null;
  required: boolean;
}
export interface Language {
  kinds: { kind: string; fields: Field[]; example: string }[];
  facets: { facet: string; merges: boolean; needs_until: boolean }[];
  functions: string[];
}

export const policyQuery = (kind: Kind, name: string) =>
  queryOptions({
    queryKey: ["policies", "one", kind, name],
    queryFn: async () => (await ok(api.GET("/v1/policies/{kind}/{name}", { params: { path: { kind, name } } }))) as unknown as PolicyHistory,
  });

/** Figures for the whole tenant; a caller of some departments does not get them (null). */
export const policyCountsQuery = queryOptions({
  queryKey: ["policies", "counts"],
  queryFn: async () => {
    try {
      return await ok(api.GET("/v1/policies/counts"));
    } catch (error) {
      if (error instanceof ApiProblem && error.status === 403) return null;
      throw error;
    }
  },
});

export function countOf(counts: Schemas["PolicyCounts"] | null | undefined, kind: string, name: string): PolicyCount | undefined {
  if (!counts) return undefined;
  const found = counts.items.find((one) => one.kind === kind && one.name === name);
  if (found || !counts.counted) return found;
  return { kind, name, in_force: 0, waiting_in: 0, waiting_out: 0, barred: 0, held_out: 0 };
}

export const factsQuery = queryOptions({ queryKey: ["facts"], queryFn: () => ok(api.GET("/v1/facts")), staleTime: Number.POSITIVE_INFINITY });

/** Null where this server does not describe its language yet: then only facts are completed. */
export const languageQuery = queryOptions({
  queryKey: ["language"],
  queryFn: async (): Promise<Language | null> => {
    try {
      return await raw<Language>("GET", "/v1/policies/schema");
    } catch (error) {
      if (error instanceof ApiProblem && error.status === 404) return null;
      throw error;
    }
  },
  staleTime: Number.POSITIVE_INFINITY,
});

export async function check(name: string, text: string): Promise<Checked & { errors: Fault[] }> {
  return (await ok(api.POST("/v1/policies/check", { body: { files: [{ name, text }] } }))) as unknown as Checked & { errors: Fault[] };
}

/** The facts that a condition names, by the longest name that fits. */
export function factsIn(text: string, facts: Fact[], context: string): Fact[] {
  const known = new Map(facts.filter((one) => one.context === context).map((one) => [one.name, one]));
  const found = new Map<string, Fact>();
  for (const [name] of bare(text).matchAll(NAMES)) {
    const fact = known.get(name) ?? known.get(name.replace(/\.(?:startsWith|endsWith|contains)$/, ""));
    if (fact) found.set(fact.name, fact);
  }
  return [...found.values()];
}

/** A name as conditions write it: `country`, `law.stance`, `clock("x").days_left`. */
export const NAMES = /clock\(["'][^"']*["']\)(?:\.\w+)?|[A-Za-z_]\w*(?:\.\w+)*/g;

/** The condition without what stands in quotes, except a clock's name. */
function bare(text: string): string {
  return text.replace(/(clock\()?("(?:[^"\\]|\\.)*"|'[^']*')/g, (all, clock: string | undefined) => (clock ? all : " "));
}
