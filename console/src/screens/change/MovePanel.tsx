// One device's share of the change: what was to be done, step by step, and what came of each step, with its evidence.
import { Drawer, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { type ChangeSituation, type ChangeStory, type Move, movesPage, type Operation, operationsPage, situationsQuery } from "@/api/changes";
import { Age, CarrierLink, Compare, CountryLink, DeviceLink, Empty, Facts, FourTicks, Ident, Instant, Json, Loading, Panel, Problem, RecipeSteps, StateBadge, ticksOfOperation, wordsOf } from "@/parts";
import css from "./change.module.css";
import { Settle } from "./Settle";

export function MovePanel({ change, device, onClose }: { change: ChangeStory; device: string | undefined; onClose: () => void }) {
  return (
    <Drawer
      opened={device !== undefined}
      onClose={onClose}
      position="right"
      size="min(46rem, 94vw)"
      title={<Text fw={600}>{device} in this change</Text>}
      styles={{ content: { background: "var(--fl-page)" }, header: { background: "var(--fl-page)", borderBottom: "1px solid var(--fl-line)" }, body: { paddingTop: 16 } }}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      {device !== undefined && <Share change={change} device={device} />}
    </Drawer>
  );
}

function Share({ change, device }: { change: ChangeStory; device: string }) {
  const moves = useQuery({ queryKey: ["changes", "moves-of", change.id, device], queryFn: () => movesPage(change.id, { device }, undefined) });
  const operations = useQuery({ queryKey: ["operations", "of", change.id, device], queryFn: () => operationsPage({ change: change.id, device }, undefined, 500) });
  if (moves.isPending || operations.isPending) return <Loading what={`Reading what happened to ${device}`} />;
  const error = moves.error ?? operations.error;
  if (error) return <Problem error={error} retry={() => Promise.all([moves.refetch(), operations.refetch()])} />;
  const rows = [...(moves.data?.items ?? [])].sort((a, b) => b.wave - a.wave);
  if (rows.length === 0) return <Empty title="This device has no share in it">It has not been let in, or is held out or barred. See <DeviceLink device={device}>the device</DeviceLink> and its Why.</Empty>;
  return (
    <div className="fl-stack">
      {rows.map((move) => (
        <OneMove key={move.wave} change={change} move={move} operations={(operations.data?.items ?? []).filter((one) => one.wave === move.wave)} />
      ))}
    </div>
  );
}

function OneMove({ change, move, operations }: { change: ChangeStory; move: Move; operations: Operation[] }) {
  const situations = useQuery(situationsQuery(change.id, move.wave));
  const situation = situations.data?.find((one) => one.no === move.situation);
  const stage = change.rollout.stages[move.stage];
  return (
    <>
      <Panel title={move.wave === 0 ? `As planned, stage ${stage ?? "?"} %` : `Wave ${move.wave}`} right={<StateBadge state={move.state} />}>
        <Facts
          items={[
            ["Device", <DeviceLink key="d" device={move.name} />],
            ["Where it began", <span key="w"><CountryLink code={move.country} /> · <CarrierLink account={move.carrier} /></span>],
            ["Outcome", move.outcome ? wordsOf(move.outcome) : "not yet"],
            ["Opened", <Instant key="o" at={move.opened_at} />],
            ["Settled", <Instant key="s" at={move.settled_at} never="not yet" />],
            ...(move.settled_at === null ? ([["Now at", `step ${move.step + 1}, on the way ${move.leg === 1 ? "on" : "back"}, attempt ${move.attempt}`]] as [string, ReactNode][]) : []),
          ]}
        />
      </Panel>
      {situations.isPending && <Loading what="Reading its recipe" />}
      {situations.error && <Problem error={situations.error} retry={situations.refetch} />}
      {situation && (
        <>
          <Panel title="Recipe" note={`the same for ${situation.devices} devices`}>
            <RecipeSteps recipe={situation.recipe} />
          </Panel>
          <Panel flush title="What changes">
            {situation.facts.changes.map((one) => (
              <section key={one.facet} className={css.facet}>
                <h3>{wordsOf(one.facet)}</h3>
                <Compare names={["Before", "After"]} left={one.before ?? {}} right={one.after ?? {}} mark={false} />
              </section>
            ))}
          </Panel>
        </>
      )}
      <Panel title="Operations" note="in the order they were asked">
        {operations.length === 0 && <Empty title="Nothing has been asked yet">Its operations are made when its turn comes.</Empty>}
        {inOrder(operations).map((one) => (
          <OneOperation key={one.id} operation={one} situation={situation} />
        ))}
      </Panel>
    </>
  );
}

function inOrder(operations: Operation[]): Operation[] {
  const place = (one: Operation) => [one.leg === "forward" ? 0 : 1, one.leg === "forward" ? one.step : -one.step, one.attempt] as const;
  return [...operations].sort((a, b) => {
    const [x, y] = [place(a), place(b)];
    return x[0] - y[0] || x[1] - y[1] || x[2] - y[2];
  });
}

function OneOperation({ operation, situation }: { operation: Operation; situation: ChangeSituation | undefined }) {
  const undo = operation.leg === "forward" ? situation?.recipe.steps[operation.step]?.undo : null;
  const evidence = operation.evidence ?? [];
  const open = operation.settled_at === null;
  return (
    <article className={css.operation}>
      <header className="fl-row">
        <b>
          {operation.step + 1}. {wordsOf(operation.verb)}
        </b>
        <span className="fl-dim">
          {wordsOf(operation.facet)} by {operation.driver}
          {operation.leg === "back" && ", on the way back"}
          {operation.attempt > 1 && `, attempt ${operation.attempt}`}
        </span>
        <span style={{ marginLeft: "auto" }}>
          <StateBadge state={operation.state} />
        </span>
      </header>
      <FourTicks ticks={ticksOfOperation(operation.state, undo)} />
      <Settle operation={operation} />
      <Facts
        items={[
          ...(operation.reason ? ([["Reason", wordsOf(operation.reason)]] as [string, ReactNode][]) : []),
          ["Sent", <Instant key="s" at={operation.dispatched_at} never="not yet" />],
          ["Settled", <Instant key="e" at={operation.settled_at} never="not yet" />],
          ["Deadline", open ? <span key="d"><Instant at={operation.deadline} /> (<Age at={operation.deadline} />)</span> : <Instant key="d" at={operation.deadline} />],
          ...Object.entries(operation.arguments).map(([name, value]): [string, ReactNode] => [wordsOf(name), typeof value === "string" ? <Ident value={value} /> : JSON.stringify(value)]),
        ]}
      />
      <details className={css.evidence}>
        <summary>Evidence: {evidence.length === 0 ? "none yet" : `${evidence.length} ${evidence.length === 1 ? "observation" : "observations"}`}</summary>
        {evidence.length > 0 && <Json value={evidence} label="Evidence" />}
      </details>
    </article>
  );
}
