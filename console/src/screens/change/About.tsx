// How it was asked to go: its plan, its stages and gate, what a failure does, when it ends.
import type { ChangeStory } from "@/api/changes";
import type { Plan } from "@/api/plans";
import { span, useFormat } from "@/frame/format";
import { ChangeLink, Facts, Instant, Panel, PlanLink, PolicyLink } from "@/parts";

export function About({ change, plan }: { change: ChangeStory; plan: Plan | undefined }) {
  const format = useFormat();
  const { rollout } = change;
  const { gate } = rollout;
  const conflicts = plan?.summary.conflicts ?? [];
  return (
    <>
      <Panel title="How it goes">
        <Facts
          items={[
            ["Stages", rollout.stages.map((one) => `${one} %`).join(" → ")],
            ["May fail", `${format.percent(gate.max_failed)} of a batch`],
            ["Must be verified", `${format.number(gate.min_verified)} before the next stage`],
            ["Waits at most", span(gate.wait_s)],
            ["Rests", gate.bake_s > 0 ? `${span(gate.bake_s)} after each stage` : "not at all"],
            ["Without proof", gate.accept_acknowledged ? "acknowledged is enough" : "not accepted"],
            ["When a batch fails", rollout.on_failure === "rollback" ? "that batch is rolled back" : "the Change pauses"],
            ["Held out", rollout.hold_out > 0 ? `${rollout.hold_out} % of each country and carrier` : "nobody"],
          ]}
        />
      </Panel>
      <Panel title="When">
        <Facts
          items={[
            ["Applied", <Instant key="a" at={change.created_at} />],
            ["Started", <Instant key="b" at={change.started_at} never="not yet" />],
            ["Settled", <Instant key="c" at={change.settled_at} never="not yet" />],
            ["Ends", change.ends_at ? <span key="d"><Instant at={change.ends_at} />; then the clock takes it back</span> : change.kind === "action" ? "has no end: it stays as it is" : "does not end by the clock"],
            ["Plan", <PlanLink key="p" plan={change.plan}>what was planned</PlanLink>],
          ]}
        />
      </Panel>
      {plan && plan.resources.length > 0 && (
        <Panel title="What it changes">
          <Facts items={plan.resources.map((one) => [`${one.verb} ${one.kind}`, <span key={one.name}><PolicyLink kind={one.kind} policy={one.name} /> <span className="fl-dim">revision {one.number}</span></span>])} />
        </Panel>
      )}
      {conflicts.length > 0 && (
        <Panel title="Conflicts" note="when it was planned">
          <Facts items={conflicts.map((one) => [`${format.number(one.devices)} devices`, <span key={one.change}>were being moved by <ChangeLink change={one.change} /></span>])} />
        </Panel>
      )}
    </>
  );
}
