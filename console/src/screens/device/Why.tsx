// Why the device should be so: the policies in force with their conditions, each value with who decided it and who
// was overridden, and what stands in the way.
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, ok } from "@/api/client";
import { useWrite, type Why as WhyShown, whyQuery } from "@/api/queries";
import { ActionButton, Age, ChangeLink, Confirm, Empty, Instant, Loading, Panel, PolicyLink, Problem, StateBadge, TextLink, wordsOf } from "@/parts";
import css from "./device.module.css";

interface Because {
  value: unknown;
  policy: string;
  revision: number;
  priority: number;
  reason: string;
  removed: boolean;
}

export function Why({ device, zone }: { device: string; zone: string | null }) {
  const why = useQuery(whyQuery(device));
  if (why.isPending) return <Loading what="Reading the resolved chain" />;
  if (why.error) return <Problem error={why.error} retry={why.refetch} />;
  const { in_force, values, exceptions, moves, held_out } = why.data;
  const ordered = [...in_force].sort((a, b) => b.priority - a.priority);
  return (
    <div className="fl-stack">
      {(held_out || exceptions.length > 0) && <InTheWay device={device} zone={zone} heldOut={held_out} exceptions={exceptions} />}
      <Panel title="Policies in force" note={in_force.length > 0 ? `${in_force.length}, the highest priority first: it decides where several set the same value` : undefined}>
        {in_force.length === 0 && (
          <Empty title="No policy is in force on this device">
            Either none matches it, or it has not been admitted by a Change yet. <TextLink fz="inherit" underline="always" to="/policies">See the policies</TextLink>.
          </Empty>
        )}
        {ordered.map((rule) => (
          <div key={`${rule.policy}@${rule.revision}`} className={css.rule}>
            <span className="fl-row">
              <b>
                <PolicyLink policy={rule.policy} />
              </b>
              <span className="fl-dim">
                revision {rule.revision} · priority {rule.priority}
              </span>
            </span>
            {rule.reason && <p>{rule.reason}</p>}
            <span className={css.condition}>
              <span>enters when</span> <code>{rule.match}</code>
            </span>
            {rule.until && (
              <span className={css.condition}>
                <span>leaves when</span> <code>{rule.until}</code>
              </span>
            )}
          </div>
        ))}
      </Panel>
      {Object.keys(values).length > 0 && <Values values={values as Values} />}
      {moves.length > 0 && <Moves moves={moves} zone={zone} />}
    </div>
  );
}

type Values = Record<string, { document: Record<string, unknown>; reasons: Record<string, Because[]> }>;

/** Value by value: who holds it first, who was overridden after. */
function Values({ values }: { values: Values }) {
  return (
    <Panel title="Value by value" note="who decided it, and whom they overrode" flush>
      <div className={css.boardBox} tabIndex={0} role="region" aria-label="Values with their reasons">
        <table className={css.board}>
          <thead>
            <tr>
              <th scope="col">Facet and path</th>
              <th scope="col">Value</th>
              <th scope="col">Decided by</th>
              <th scope="col">Overridden</th>
            </tr>
          </thead>
          <tbody>
            {Object.entries(values).flatMap(([facet, { reasons }]) =>
              Object.entries(reasons ?? {}).map(([pointer, chain]) => {
                const [first, ...over] = chain;
                return (
                  <tr key={`${facet}${pointer}`}>
                    <th scope="row">
                      <span className="fl-dim">{facet}</span>
                      {pointer}
                    </th>
                    <td>
                      <code>{first?.removed ? "taken away" : shown(first?.value)}</code>
                    </td>
                    <td>{first && <Who because={first} />}</td>
                    <td>
                      {over.length === 0 ? (
                        <span className="fl-dim">nobody</span>
                      ) : (
                        over.map((one) => (
                          <div key={`${one.policy}@${one.revision}`} className={css.over}>
                            <s>
                              <code>{one.removed ? "taken away" : shown(one.value)}</code>
                            </s>{" "}
                            <Who because={one} />
                          </div>
                        ))
                      )}
                    </td>
                  </tr>
                );
              }),
            )}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}

function Who({ because }: { because: Because }) {
  return (
    <span>
      <PolicyLink policy={because.policy}>
        {because.policy}@{because.revision}
      </PolicyLink>{" "}
      <span className={css.small}>
        priority {because.priority}
        {because.reason && ` · ${because.reason}`}
      </span>
    </span>
  );
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function InTheWay({ device, zone, heldOut, exceptions }: { device: string; zone: string | null; heldOut: boolean; exceptions: WhyShown["exceptions"] }) {
  const [asked, setAsked] = useState<string | null>(null);
  const lift = useWrite<string, Record<string, number>>({
    send: (policy, key) => ok(api.POST("/v1/policies/{kind}/{policy}/lift-bars", { params: { path: { kind: "Policy", policy }, header: { "Idempotency-Key": key } } as never, body: { devices: [device] } })),
    touches: ["devices", "changes", "policies"],
    done: (result, policy) => (result.lifted ? `${device} is let in again; it enters as ${policy} says` : `${device} was not barred from ${policy} any more`),
    tellProblem: false,
  });
  return (
    <Panel title="What stands in the way">
      {heldOut && <p>This device is held out: it stays as it is, to compare the others with.</p>}
      {exceptions.map((one) => (
        <div key={`${one.policy}${one.why}`} className={css.rule}>
          <span className="fl-row">
            <StateBadge state={one.why} tone={one.why.startsWith("barred") ? "bad" : "warn"} /> <PolicyLink policy={one.policy} />
            <span className="fl-dim">
              since <Age at={one.since} zone={zone} never="it began" /> {one.change && <>by <ChangeLink change={one.change}>a Change</ChangeLink></>}
            </span>
            {one.why.startsWith("barred") && (
              <span style={{ marginLeft: "auto" }}>
                <ActionButton permission="policies.write" onClick={() => setAsked(one.policy)}>
                  Let back in
                </ActionButton>
              </span>
            )}
          </span>
        </div>
      ))}
      <Confirm opened={asked !== null} onClose={() => setAsked(null)} title={`Let ${device} back in`} touches={[{ name: "device", value: 1 }]} action="Let it back in" danger={false} onConfirm={() => lift.mutateAsync(asked ?? "")}>
        A rollback barred it from <b>{asked}</b>. Without the bar it enters again as that policy’s admission says, which may change it at once.
      </Confirm>
    </Panel>
  );
}

function Moves({ moves, zone }: { moves: Record<string, unknown>[]; zone: string | null }) {
  const [all, setAll] = useState(false);
  const rows = all ? moves : moves.slice(0, 8);
  const text = (value: unknown) => (value === null || value === undefined ? null : String(value));
  return (
    <Panel title="Its moves" note="this device’s share of Changes">
      {rows.map((move, index) => (
        <div key={index} className={css.rule}>
          <span className="fl-row">
            <StateBadge state={text(move.state)} /> <ChangeLink change={text(move.change)}>{text(move.title) || text(move.change)}</ChangeLink>
            <span className="fl-dim">
              opened <Instant at={text(move.opened_at)} zone={zone} />
              {move.settled_at ? (
                <>
                  , settled <Instant at={text(move.settled_at)} zone={zone} />
                </>
              ) : (
                ", still open"
              )}
              {move.leg === 2 && ", going back"}
              {text(move.outcome) && text(move.outcome) !== text(move.state) && <>: {wordsOf(text(move.outcome))}</>}
            </span>
          </span>
        </div>
      ))}
      {moves.length > rows.length && (
        <Button variant="default" mt="xs" onClick={() => setAll(true)}>
          All {moves.length}
        </Button>
      )}
    </Panel>
  );
}
