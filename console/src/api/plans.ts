// Plans as the API keeps them. The schema leaves `summary` open; these are the words that the planner writes there
// (engine/plans.py, plan/impact.py).
import { queryOptions } from "@tanstack/react-query";
import { api, ok, type Schemas } from "./client";

export type Plan = Omit<Schemas["PlanShown"], "summary" | "resources"> & { summary: PlanSummary; resources: PlannedResource[] };
export type ApplyRequest = Schemas["ApplySent"];

export type ActionVerb = Schemas["ActionSent"]["verb"];

/** The body of POST /v1/plans: an action on devices, or files and removals. */
export interface PlanRequest {
  action?: { verb: ActionVerb; devices?: string[]; match?: string; lasts_s?: number; wipe?: boolean; subscription?: Schemas["ActionSent"]["subscription"]; reason?: string };
  files?: { name?: string; text: string }[];
  removals?: Schemas["RemovalSent"][];
}

export interface PlannedResource {
  kind: string;
  name: string;
  number: number;
  verb: "create" | "update" | "remove";
  removed: boolean;
}

export interface RecipeStep {
  driver: string;
  verb: string;
  on: string; // target, current, each, device
  account: string;
  facets: string[];
  proof: string;
  deadline_s: number;
  undo: string; // exact, forward-only, none
  undo_verb: string | null;
}

export interface Recipe {
  blocked: string | null;
  block_code: string | null;
  notes: string[];
  steps: RecipeStep[];
}

export interface Situation {
  no: number;
  country: string;
  carrier: string;
  target: string | null;
  devices: number;
  facets: string[];
  recipe: Recipe;
}

/** What lines that are put aside cost a month, by what their carriers say of billing. */
export interface Saves {
  lines: number;
  priced_lines: number;
  coverage_percent: number;
  monthly: Record<string, string>;
  monthly_unknown: Record<string, string>;
  monthly_goes_on: Record<string, string>;
  lines_by_billing: { stops: number; goes_on: number; unknown: number };
  unpriced: string | null;
}

export interface Cost {
  devices: number;
  priced_devices: number;
  coverage_percent: number | null;
  one_off: Record<string, string>;
  monthly_delta: Record<string, string>;
  unpriced: string | null;
}

/** What a rule that acts on lines comes to at one account: fairlead.engine.steerings and usage_rules. */
export interface SteeringAt {
  account: string;
  lines: number;
  possible: boolean;
  because: string;
  kind: string;
  plmns: string[];
  notes: string[];
  standing: Record<string, number>;
}

export interface UsageRuleAt {
  account: string;
  lines: number;
  judged: number;
  crossed: number;
  stale: number;
  unknown: number;
  cannot: number;
  cannot_because: string;
  action: string | null;
  action_because: string;
  waits_because: string;
  lines_by_state: Record<string, number>;
}

export interface PlanSummary {
  resources: PlannedResource[]; // as in the plan, which lists leave out
  devices: number;
  movable: number;
  blocked: { devices: number; code: string; why: string; country: string }[];
  unchanged: string[];
  no_driver_yet: string[];
  observe_only: string[];
  situations: Situation[];
  countries: Record<string, number>;
  groups: Record<string, number>;
  carriers: Record<string, number>;
  stances: Record<string, number>;
  law: { breaches_avoided: { country: string; breached: number; within_30_days: number; later: number }[]; note: string };
  conflicts: { change: string; devices: number }[];
  cost: Cost;
  saves?: Saves | null;
  hidden: Record<string, number>;
  possible_collisions: { policies: [string, string]; facet: string; path: string }[];
  left_out?: Record<string, number>; // of an action: to whom it is not open
  ends_after_s?: number | null;
  steering?: Record<string, SteeringAt[]>; // by name: what it would be at each account
  usage_rules?: Record<string, UsageRuleAt[]>;
}

/** What a 409 on apply says: how far the fleet moved since the plan was made. */
export interface Drift {
  planned: number;
  now: number;
  gone: number;
  come: number;
  altered: number;
  tolerated: number;
  examples: string[];
}

export const planQuery = (plan: string) =>
  queryOptions({
    queryKey: ["plans", "one", plan],
    queryFn: async () => (await ok(api.GET("/v1/plans/{plan}", { params: { path: { plan } } }))) as unknown as Plan,
  });

/** Makes a plan; `remember` keeps what was asked, so that the same can be asked again when the fleet has moved. */
export async function makePlan(request: PlanRequest, key: string): Promise<Plan> {
  const made = (await ok(api.POST("/v1/plans", { body: request as never, headers: { "Idempotency-Key": key } }))) as unknown as Plan;
  remember(made.id, request);
  return made;
}

export function applyPlan(plan: string, body: ApplyRequest, key: string): Promise<Schemas["ChangeRef"]> {
  return ok(api.POST("/v1/plans/{plan}/apply", { params: { path: { plan } }, body, headers: { "Idempotency-Key": key } }));
}

// What a plan was made of is known to the tab that made it. Elsewhere only removals can be read from the plan itself.
const KEPT = "fairlead-plan-";
const MOST = 200_000; // characters; more is not kept

function remember(plan: string, request: PlanRequest): void {
  const text = JSON.stringify(request);
  if (text.length > MOST) return;
  try {
    sessionStorage.setItem(KEPT + plan, text);
  } catch {
    // full or forbidden: then it cannot be made anew from here
  }
}

/** What to send to make this plan anew; undefined where it is not known here. */
export function requestOf(plan: Plan): PlanRequest | undefined {
  const kept = sessionStorage.getItem(KEPT + plan.id);
  if (kept) return JSON.parse(kept) as PlanRequest;
  if (plan.resources.length > 0 && plan.resources.every((one) => one.removed)) return { removals: plan.resources.map(({ kind, name }) => ({ kind, name }) as Schemas["RemovalSent"]) };
  return undefined;
}

/** Steps that nothing takes back, and steps that can only go on. */
export function undoOf(summary: PlanSummary): { none: number; forwardOnly: number } {
  const count = (undo: string) => summary.situations.filter((one) => one.recipe.steps.some((step) => step.undo === undo)).reduce((sum, one) => sum + one.devices, 0);
  return { none: count("none"), forwardOnly: count("forward-only") };
}
