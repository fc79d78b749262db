// The change device by device: a million rows without a stutter, by state, wave, stage, country and carrier.
import { useMemo } from "react";
import { type ChangeStory, type Move, type MoveFilter, movesPage } from "@/api/changes";
import { usePages } from "@/api/queries";
import { countryName, useFormat } from "@/frame/format";
import { useUrl } from "@/frame/url";
import { CarrierLink, type Column, CountryLink, DataTable, DeviceLink, Empty, type Filter, FilterChips, Instant, StateBadge, wordsOf } from "@/parts";
import { MOVE_STATES, search } from "./search";

export function Moves({ change }: { change: ChangeStory }) {
  const [url, setUrl] = useUrl(search);
  const format = useFormat();
  const filter: MoveFilter = { state: url.state, wave: url.wave, stage: url.stage, country: url.country, carrier: url.carrier };
  const pages = usePages<Move>(["changes", "moves", change.id, filter], (cursor) => movesPage(change.id, filter, cursor));
  const { story, rollout } = change;
  const filters = useMemo((): Filter[] => {
    const of = <T,>(values: T[]) => [...new Set(values)];
    return [
      { key: "state", label: "State", options: MOVE_STATES.map((value) => ({ value, label: wordsOf(value), count: story.moves[value] ?? 0 })) },
      { key: "country", label: "Country", options: of(story.strata.map((one) => one.country)).map((value) => ({ value, label: countryName(value) })) },
      { key: "carrier", label: "Carrier", options: of(story.strata.map((one) => one.carrier).filter(Boolean)).map((value) => ({ value })) },
      { key: "stage", label: "Stage", options: rollout.stages.map((percent, stage) => ({ value: String(stage), label: `${percent} %` })) },
      { key: "wave", label: "Wave", options: of(story.batches.map((batch) => batch.wave)).sort((a, b) => a - b).map((wave) => ({ value: String(wave), label: wave === 0 ? "as planned" : `wave ${wave}` })) },
    ];
  }, [story, rollout.stages]);
  const columns: Column<Move>[] = [
    { id: "device", header: "Device", width: 140, grow: true, cell: (one) => <DeviceLink device={one.name} /> },
    { id: "state", header: "State", width: 120, cell: (one) => <StateBadge state={one.state} /> },
    { id: "outcome", header: "Outcome", width: 220, grow: true, cell: (one) => <span className="fl-dim">{wordsOf(one.outcome ?? "not yet")}</span> },
    { id: "country", header: "Country", width: 130, cell: (one) => <CountryLink code={one.country} /> },
    { id: "carrier", header: "Carrier", width: 130, cell: (one) => <CarrierLink account={one.carrier} /> },
    { id: "when", header: "Stage or wave", width: 110, cell: (one) => (one.wave === 0 ? `${rollout.stages[one.stage] ?? "?"} %` : `wave ${format.number(one.wave)}`) },
    { id: "leg", header: "Way", width: 70, cell: (one) => (one.leg === 1 ? "on" : "back") },
    { id: "step", header: "Step", width: 60, right: true, cell: (one) => one.step + 1 },
    { id: "attempt", header: "Attempt", width: 80, right: true, hidden: true, cell: (one) => one.attempt },
    { id: "opened", header: "Opened", width: 168, cell: (one) => <Instant at={one.opened_at} /> },
    { id: "settled", header: "Settled", width: 168, cell: (one) => <Instant at={one.settled_at} never="not yet" /> },
  ];
  const filtered = Object.values(filter).some((one) => one !== undefined);
  const values = Object.fromEntries(Object.entries(filter).map(([key, value]) => [key, value === undefined || value === null ? undefined : String(value)]));
  return (
    <div className="fl-stack">
      <div className="fl-row">
      <FilterChips
        filters={filters}
        values={values}
        onChange={(patch) => {
          const known = search(patch) as Record<string, unknown>;
          setUrl(Object.fromEntries(Object.keys(patch).map((key) => [key, known[key]])));
        }}
      />
      </div>
      <DataTable
        id="change-moves"
        label="Moves"
        noun="moves"
        height={460}
        columns={columns}
        pages={pages}
        rowKey={(one) => `${one.device}/${one.wave}`}
        onOpen={(one) => setUrl({ device: one.name })}
        empty={filtered ? <Empty title="No move is like that">Take a filter away.</Empty> : <Empty title="Nothing has moved yet">A move is one device's share of the Change; moves are made when a stage opens.</Empty>}
      />
    </div>
  );
}
