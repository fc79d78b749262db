// One row a subscription: filters are the URL, rows can be chosen, and what was asked of them is shown row by row.
import { Button } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { api, ok, type Schemas } from "@/api/client";
import { usePages } from "@/api/queries";
import { useResults } from "@/api/results";
import { useFormat } from "@/frame/format";
import { ActOnLines, AskedChange, Chosen, DataTable, Empty, FilterChips, Find } from "@/parts";
import { search } from "./search";
import { columnsOf, filtersFrom, linesOf, matchOf, type Sim } from "./rows";

type Url = ReturnType<typeof search>;

interface Props {
  url: Url;
  setUrl: (patch: Partial<Url>, how?: { replace?: boolean }) => void;
  counts: Schemas["SimCounts"] | undefined;
}

export function Sims({ url, setUrl, counts }: Props) {
  const navigate = useNavigate();
  const format = useFormat();
  const { tab: _, account: __, change, ...filter } = url;
  const pages = usePages<Sim>(["devices", "subscriptions", filter], (cursor) => ok(api.GET("/v1/subscriptions", { params: { query: { ...filter, cursor, limit: 200 } } })));
  const results = useResults(change);
  const columns = useMemo(() => columnsOf(results), [results]);
  const filters = useMemo(() => filtersFrom(counts), [counts]);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const chosen = useMemo(() => pages.rows.filter((sim) => selected.has(sim.id)), [pages.rows, selected]);
  const names = useMemo(() => [...new Set(chosen.map((sim) => sim.device).filter((one) => one !== null))], [chosen]);
  const iccids = useMemo(() => chosen.map((sim) => sim.iccid), [chosen]);
  const filtered = Object.keys(filter).length > 0;
  const loose = chosen.filter((sim) => sim.device === null).length;

  return (
    <>
      {change && <AskedChange change={change} onForget={() => setUrl({ change: undefined })} />}
      <div className="fl-row">
        <Find label="Find SIMs by the beginning of an ICCID, IMSI, MSISDN or EID" placeholder="ICCID, IMSI, MSISDN, EID…" pattern={/^[0-9]{1,32}$/} value={url.q} onChange={(q) => setUrl({ q }, { replace: true })} />
        <FilterChips filters={filters} values={texts(filter)} onChange={(patch) => setUrl(read(patch))} />
      </div>
      <DataTable
        fill
        id="sims"
        label="SIMs"
        noun="SIMs"
        columns={columns}
        pages={pages}
        rowKey={(sim) => sim.id}
        total={filtered ? undefined : counts?.subscriptions}
        selection={{ selected, onChange: setSelected }}
        onOpen={(sim) => void navigate({ to: "/subscriptions/$ref", params: { ref: sim.iccid } })}
        tools={
          <>
          <Chosen
            label="Act on devices"
            names={names}
            words={`${format.number(chosen.length)} ${chosen.length === 1 ? "SIM" : "SIMs"} in ${format.number(names.length)} ${names.length === 1 ? "device" : "devices"}`}
            all={matchOf(url)}
            note={
              <>
                An action is asked of devices, and reaches the SIM that each uses at that time: a SIM of theirs that is not in use stays as it is.
                {loose > 0 && <> {format.number(loose)} chosen {loose === 1 ? "SIM is" : "SIMs are"} in no device and left out.</>}
              </>
            }
            onClear={() => setSelected(new Set())}
            onApplied={(made) => setUrl({ change: made.id })}
          />
          <ActOnLines iccids={iccids} all={linesOf(url)} />
          </>
        }
        empty={
          filtered ? (
            <Empty title="No SIM is like that" action={<Button variant="default" onClick={() => void navigate({ to: "/connectivity" })}>Take all filters away</Button>}>
              Search finds ICCIDs, IMSIs, MSISDNs and EIDs by their beginning.
            </Empty>
          ) : (
            <Empty title="There are no SIMs yet">
              Add a carrier account, whose inventory is then read; or import SIMs from a file: <code>fairlead import sims sims.csv</code>.
            </Empty>
          )
        }
      />
    </>
  );

  function texts(values: Record<string, unknown>): Record<string, string | undefined> {
    return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value === undefined ? undefined : String(value)]));
  }

  function read(patch: Record<string, string | undefined>) {
    const known = search(patch as Record<string, unknown>) as Record<string, unknown>;
    return Object.fromEntries(Object.keys(patch).map((key) => [key, known[key]]));
  }
}
