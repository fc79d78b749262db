// Devices that came while the change stands: each wave with its cause, its numbers and how it was decided.
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { type Batch, type ChangeStory, linesQuery } from "@/api/changes";
import { useMay, wholeList } from "@/api/queries";
import { useFormat } from "@/frame/format";
import { CarrierLink, type Column, CountryLink, DataTable, Empty, Instant, Progress, StateBadge } from "@/parts";
import { who } from "./Told";

interface Wave {
  key: string;
  wave: number;
  at: string;
  batch: Batch | null; // null: nobody could be let in
  cause: string | null;
  reason: string;
}

export function Waves({ change }: { change: ChangeStory }) {
  const format = useFormat();
  const navigate = useNavigate();
  const forbidden = useMay("journal.read");
  const lines = useQuery({ ...linesQuery(change.id), enabled: forbidden === undefined });
  const rows = useMemo(() => {
    const causes = new Map<number, { actor: string; reason: string; at: string }>();
    for (const line of lines.data?.items ?? []) {
      const wave = (line.payload as { wave?: unknown }).wave;
      if (line.action === "wave.opened" && typeof wave === "number") causes.set(wave, line);
    }
    const made: Wave[] = change.story.batches
      .filter((batch) => batch.wave > 0)
      .map((batch) => ({ key: `${batch.wave}/${batch.country}/${batch.carrier}`, wave: batch.wave, at: batch.opened_at ?? "", batch, cause: causes.get(batch.wave)?.actor ?? null, reason: causes.get(batch.wave)?.reason ?? "" }));
    const seen = new Set(made.map((one) => one.wave));
    for (const [wave, line] of causes) if (!seen.has(wave)) made.push({ key: `${wave}`, wave, at: line.at, batch: null, cause: line.actor, reason: line.reason });
    return made.sort((a, b) => b.wave - a.wave || a.key.localeCompare(b.key));
  }, [change.story.batches, lines.data]);

  const columns: Column<Wave>[] = [
    { id: "wave", header: "Wave", width: 70, right: true, cell: (one) => format.number(one.wave), sort: (one) => one.wave },
    { id: "opened", header: "Opened", width: 168, cell: (one) => <Instant at={one.at} />, sort: (one) => one.at },
    { id: "cause", header: "Because of", width: 200, grow: true, cell: (one) => (one.cause ? who(one.cause) : <span className="fl-dim">{forbidden ? "in the journal" : lines.isPending ? "reading…" : "–"}</span>) },
    { id: "reason", header: "Reason", width: 180, grow: true, cell: (one) => <span className="fl-dim">{one.reason}</span> },
    { id: "country", header: "Country", width: 130, cell: (one) => <CountryLink code={one.batch?.country} />, sort: (one) => one.batch?.country },
    { id: "carrier", header: "Carrier", width: 130, cell: (one) => <CarrierLink account={one.batch?.carrier} /> },
    { id: "admitted", header: "Admitted", width: 96, right: true, cell: (one) => format.number(one.batch?.admitted ?? 0), sort: (one) => one.batch?.admitted ?? 0 },
    { id: "state", header: "State", width: 120, cell: (one) => (one.batch ? <StateBadge state={one.batch.state} /> : <StateBadge state="" tone="warn" label="nobody let in" />) },
    { id: "moves", header: "Devices", width: 190, grow: true, cell: (one) => <Progress bare moves={one.batch?.moves ?? {}} /> },
    { id: "decided", header: "Decided", width: 168, hidden: true, cell: (one) => <Instant at={one.batch?.decided_at} never="not yet" /> },
  ];
  return (
    <DataTable
      id="change-waves"
      label="Waves"
      noun="waves"
      columns={columns}
      pages={wholeList({ data: rows, isPending: false, error: null, refetch: lines.refetch })}
      rowKey={(one) => one.key}
      onOpen={(one) => one.batch && void navigate({ to: "/changes/$change", params: { change: change.id }, search: { tab: "moves", wave: one.wave, country: one.batch.country, carrier: one.batch.carrier || undefined } })}
      empty={
        <Empty title="No wave yet">
          {change.state === "standing" ? "It stands: devices that come under its policies are moved in waves, at the pace each policy says." : "Waves come when a Change stands: devices that come under its policies later are moved by them."}
        </Empty>
      }
    />
  );
}
