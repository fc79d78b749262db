// One plan: what would happen, to whom, by which steps, at what price; and the form that makes it a Change.
import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { makePlan, type Plan, planQuery, requestOf } from "@/api/plans";
import { useHouseNow } from "@/api/clock";
import { freshKey } from "@/api/client";
import { queryClient } from "@/api/queries";
import { useFormat } from "@/frame/format";
import { Age, ApplyPlan, ChangeLink, Empty, Facts, Ident, Instant, Loading, Panel, Person, PlanImpact, Problem, Screen, StateBadge } from "@/parts";
import css from "./plan.module.css";

export default function PlanScreen() {
  const { plan } = useParams({ from: "/inside/plans/$plan" });
  const found = useQuery(planQuery(plan));
  if (found.isPending)
    return (
      <Screen title="Plan">
        <Loading what="Reading the plan" />
      </Screen>
    );
  if (found.error)
    return (
      <Screen title="Plan">
        <Panel>
          <Problem error={found.error} retry={found.refetch} />
        </Panel>
      </Screen>
    );
  return <Shown key={plan} plan={found.data} />;
}

function nameOf(plan: Plan): string {
  const [first, ...rest] = plan.resources;
  if (!first) return "Plan that changes nothing";
  return `Plan to ${first.verb} ${first.name}${rest.length > 0 ? ` and ${rest.length} more` : ""}`;
}

function Shown({ plan }: { plan: Plan }) {
  const navigate = useNavigate();
  const now = useHouseNow();
  const format = useFormat();
  const expired = Date.parse(plan.expires_at) <= now;
  const request = requestOf(plan);
  const again = useMutation({
    mutationFn: async () => {
      if (!request) throw new Error("it is not known here of what this plan was made");
      return makePlan(request, freshKey());
    },
    onSuccess: (made) => {
      queryClient.setQueryData(["plans", "one", made.id], made);
      void queryClient.invalidateQueries({ queryKey: ["plans", "list"] });
      void navigate({ to: "/plans/$plan", params: { plan: made.id } });
    },
  });
  return (
    <Screen
      title={nameOf(plan)}
      beside={plan.applied ? <StateBadge state="applied" tone="ok" /> : expired ? <StateBadge state="expired" /> : <StateBadge state="" tone="info" label="nothing has moved" />}
      subtitle={
        <>
          by <Person id={plan.author} /> · made <Age at={plan.created_at} /> · {expired ? "expired" : "expires"} <Age at={plan.expires_at} /> · <Ident value={plan.id} />
        </>
      }
    >
      <div className={css.sides}>
        <PlanImpact plan={plan} />
        <aside className={css.aside}>
          <Panel title={plan.applied ? "Applied" : "Apply"} note={plan.applied ? undefined : "it becomes a Change"}>
            {plan.applied ? (
              <Empty title="It has become a Change">
                See how it goes in <ChangeLink change={plan.applied}>its story</ChangeLink>. Applying it again would be the same Change.
              </Empty>
            ) : again.isPending ? (
              <Loading what="Planning anew: the fleet is judged, nothing moves" />
            ) : (
              <>
                <ApplyPlan plan={plan} anew={request && (() => again.mutate())} onApplied={(change) => void navigate({ to: "/changes/$change", params: { change: change.id } })} />
                {again.error && <Problem error={again.error} />}
              </>
            )}
          </Panel>
          <Panel title="About this plan">
            <Facts
              items={[
                ["Made", <Instant key="made" at={plan.created_at} />],
                ["Kept until", <Instant key="until" at={plan.expires_at} />],
                ["Tolerance", plan.tolerance === 0 ? "no device may have moved" : `${format.percent(plan.tolerance)} of the devices may have moved`],
              ]}
            />
          </Panel>
        </aside>
      </div>
    </Screen>
  );
}
