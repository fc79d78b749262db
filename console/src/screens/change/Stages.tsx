// Stages as they run: a row for each country and carrier, a column for each stage. A cell says how its batch stands,
// by word and colour, with the numbers of now; it opens the moves behind it.
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import type { Batch, ChangeStory } from "@/api/changes";
import type { Plan } from "@/api/plans";
import { useFormat } from "@/frame/format";
import { CarrierLink, CountryLink, Empty, Panel, Progress, StateBadge } from "@/parts";
import css from "./change.module.css";

interface Row {
  key: string;
  country: string;
  carrier: string;
  planned: number; // devices that can be moved, as planned
  blocked: number;
  byStage: Map<number, Batch>;
}

function rowsOf(change: ChangeStory, plan: Plan | undefined): Row[] {
  const rows = new Map<string, Row>();
  const row = (country: string, carrier: string) => {
    const key = `${country}/${carrier}`;
    const found = rows.get(key) ?? { key, country, carrier, planned: 0, blocked: 0, byStage: new Map<number, Batch>() };
    rows.set(key, found);
    return found;
  };
  for (const one of plan?.summary.situations ?? []) {
    const found = row(one.country, one.carrier);
    if (one.recipe.blocked === null) found.planned += one.devices;
    else found.blocked += one.devices;
  }
  for (const batch of change.story.batches) if (batch.wave === 0) row(batch.country, batch.carrier).byStage.set(batch.stage, batch);
  return [...rows.values()].sort((a, b) => b.planned - a.planned || a.key.localeCompare(b.key));
}

export function Stages({ change, plan }: { change: ChangeStory; plan: Plan | undefined }) {
  const format = useFormat();
  const rows = useMemo(() => rowsOf(change, plan), [change, plan]);
  const { stages } = change.rollout;
  return (
    <Panel flush title="Stages" note={`each country and carrier at its own pace; a batch passes while at most ${format.percent(change.rollout.gate.max_failed)} of it fails`}>
      {rows.length === 0 ? (
        <div style={{ padding: "0.75rem 0.875rem" }}>
          <Empty title="No device was concerned when it was planned">{change.state === "standing" ? "It stands, and takes those who come later: see its waves." : "Nothing is moved by stages."}</Empty>
        </div>
      ) : (
        <div className={css.matrixBox} tabIndex={0} role="region" aria-label="Stages by country and carrier">
          <table className={css.matrix}>
            <thead>
              <tr>
                <th scope="col">Country and carrier</th>
                {stages.map((percent, stage) => (
                  <th key={stage} scope="col">
                    {percent} %
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.key}>
                  <th scope="row">
                    <span className={css.where}>
                      <b>
                        <CountryLink code={row.country} />
                      </b>
                      <span className="fl-dim">{row.carrier ? <CarrierLink account={row.carrier} /> : "no carrier"}</span>
                    </span>
                    <span className={css.cellWords}>
                      {format.number(row.planned)} planned{row.blocked > 0 && `, ${format.number(row.blocked)} blocked`}
                    </span>
                  </th>
                  {stages.map((_, stage) => (
                    <td key={stage}>
                      <Cell change={change} row={row} stage={stage} />
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  );
}

function Cell({ change, row, stage }: { change: ChangeStory; row: Row; stage: number }) {
  const format = useFormat();
  const batch = row.byStage.get(stage);
  if (!batch) return <span className={css.notYet}>{whyNot(change, row, stage)}</span>;
  return (
    <Link
      className={css.cell}
      to="/changes/$change"
      params={{ change: change.id }}
      search={{ tab: "moves", wave: 0, stage, country: row.country, carrier: row.carrier || undefined }}
      title={`See the moves of ${row.country} ${row.carrier}, stage ${batch.percent} %`}
    >
      {state(batch)}
      <Progress moves={batch.moves} first={`${format.number(batch.admitted)} admitted`} />
    </Link>
  );
}

/** What passed and went back later, by hand or by the clock, does not shine as passed. */
function state(batch: Batch) {
  if (batch.state === "open") return <StateBadge state="open" tone="move" />;
  const back = (batch.moves.undone ?? 0) + (batch.moves.undoing ?? 0);
  if (batch.state === "passed" && back > 0) return <StateBadge state="passed" tone="warn" label={(batch.moves.undoing ?? 0) > 0 ? "passed, goes back" : (batch.moves.verified ?? 0) > 0 ? "passed, some taken back" : "passed, then taken back"} />;
  return <StateBadge state={batch.state} />;
}

function whyNot(change: ChangeStory, row: Row, stage: number): string {
  if (row.planned === 0) return "all blocked";
  const before = [...row.byStage.values()];
  if (before.some((batch) => batch.state.startsWith("roll"))) return "not opened: barred";
  if (change.state === "planned") return "waits for approval";
  if (change.state === "aborted" || change.state === "closed") return "not opened";
  if (change.state === "paused") return "paused";
  return stage === before.length ? "opens next" : "later";
}
