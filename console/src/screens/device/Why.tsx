// Why the device should be so: the policies in force with their conditions, each value with its reason, and what
// stands in the way.
import { useQuery } from "@tanstack/react-query";
import { whyQuery } from "@/api/queries";
import { ChangeLink, Empty, Instant, Json, Loading, Panel, PolicyLink, Problem, StateBadge, TextLink } from "@/parts";
import css from "./device.module.css";

export function Why({ device, zone }: { device: string; zone: string | null }) {
  const why = useQuery(whyQuery(device));
  if (why.isPending) return <Loading what="Reading the resolved chain" />;
  if (why.error) return <Problem error={why.error} retry={why.refetch} />;
  const { in_force, values, exceptions, moves, held_out } = why.data;
  return (
    <div className="fl-stack">
      <Panel title="Policies in force" note={`${in_force.length}, the highest priority first`}>
        {in_force.length === 0 && <Empty title="No policy is in force on this device">Either none matches it, or it has not been admitted by a change yet. <TextLink fz="inherit" to="/policies">See the policies</TextLink>.</Empty>}
        {[...in_force]
          .sort((a, b) => b.priority - a.priority)
          .map((rule) => (
            <div key={`${rule.policy}@${rule.revision}`} className={css.rule}>
              <span className="fl-row">
                <b><PolicyLink policy={rule.policy} /></b>
                <span className="fl-dim">revision {rule.revision} · priority {rule.priority}</span>
              </span>
              <code>{rule.match}</code>
              {rule.reason && <p className="fl-dim">{rule.reason}</p>}
            </div>
          ))}
      </Panel>
      {(held_out || exceptions.length > 0) && (
        <Panel title="What stands in the way">
          {held_out && <p>This device is held out: it stays as it is, to compare the others with.</p>}
          {exceptions.map((one) => (
            <div key={`${one.policy}${one.why}`} className={css.rule}>
              <span className="fl-row">
                <StateBadge state={one.why} /> <PolicyLink policy={one.policy} />
                <span className="fl-dim">
                  since <Instant at={one.since} zone={zone} /> by <ChangeLink change={one.change} />
                </span>
              </span>
            </div>
          ))}
        </Panel>
      )}
      {Object.entries(values).map(([facet, value]) => (
        <Panel key={facet} title={facet} note="each value with the policy that holds it">
          <div className={css.facet}>
            <Json value={value.document} label={`${facet}: the document`} />
            <Json value={value.reasons} label={`${facet}: the reasons`} />
          </div>
        </Panel>
      ))}
      {moves.length > 0 && (
        <Panel title="Its moves" note="this device's share of changes">
          {moves.map((move, index) => (
            <div key={index} className={css.rule}>
              <span className="fl-row">
                <StateBadge state={String(move.state ?? "")} /> <ChangeLink change={move.change ? String(move.change) : null} />
              </span>
            </div>
          ))}
        </Panel>
      )}
    </div>
  );
}
