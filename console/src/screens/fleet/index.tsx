// The fleet: where it is, how it is, and every device, by filters that are the URL. The server filters, counts and
// exports; nothing here holds more than the rows one has scrolled past.
import { Button, Tooltip } from "@mantine/core";
import { useLocalStorage } from "@mantine/hooks";
import { IconDownload, IconMap2 } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { api, ok, type Schemas } from "@/api/client";
import { type Counts, useCounts, useDevices } from "@/api/queries";
import { useResults } from "@/api/results";
import { span, useFormat } from "@/frame/format";
import { stringifySearch, useUrl } from "@/frame/url";
import { Age, AskedChange, Chosen, DataTable, Empty, type Figure, Figures, FilterChips, Find, SavedViews, Screen, toneOf } from "@/parts";
import { columnsOf } from "./columns";
import { DIMENSIONS, filtersFrom, matchOf } from "./filters";
import { search } from "./search";
import { WhereTheyAre } from "./WhereTheyAre";

const CONNECTIVITY = ["online", "attached", "offline", "blocked"] as const;

export default function FleetScreen() {
  const [url, setUrl] = useUrl(search);
  const format = useFormat();
  const navigate = useNavigate();
  const counts = useCounts();
  const { change, ...filter } = url;
  const { q, ...conditions } = filter;
  const pages = useDevices(filter);
  const filtered = Object.keys(filter).length > 0;
  const free = DIMENSIONS.filter((one) => conditions[one] === undefined);
  const facets = useQuery({
    queryKey: ["counts", "facets", conditions],
    enabled: filtered && q === undefined, // a search is not counted
    queryFn: () => ok(api.GET("/v1/devices/facets", { params: { query: { ...conditions, by: free.join(",") } } })),
  });
  const left = filtered && q === undefined ? facets.data : undefined;
  const filters = useMemo(() => filtersFrom(counts.data, left, filter, format), [counts.data, left, filter, format]);
  const results = useResults(change);
  const columns = useMemo(() => columnsOf(results), [results]);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const names = useMemo(() => [...selected], [selected]);
  const [map, setMap] = useLocalStorage({ key: "fairlead-fleet-map", defaultValue: true, getInitialValueInEffect: false });
  const all = matchOf(filter);

  return (
    <Screen
      fill
      title="Fleet"
      subtitle={counts.data ? <>Counted <Age at={counts.data.counted_at} never="not yet" what="Counts are kept by a worker" /></> : "Counting…"}
      actions={
        <>
          <SavedViews screen="fleet" to="/fleet" search={stringifySearch(filter).slice(1)} />
          <Button variant="default" aria-pressed={map} leftSection={<IconMap2 size={14} aria-hidden />} onClick={() => setMap(!map)}>
            {map ? "Hide the map" : "Show the map"}
          </Button>
          <Button component="a" variant="default" leftSection={<IconDownload size={14} aria-hidden />} href={`/v1/devices.csv${stringifySearch(conditions)}`} download>
            Export {filtered ? "these" : "all"} as CSV
          </Button>
        </>
      }
    >
      <Figures label="The fleet in figures" items={useFigures(counts.data, url.connectivity, (connectivity) => setUrl({ connectivity }))} />
      {map && <WhereTheyAre selected={url.country} onPick={(country) => setUrl({ country: country === url.country ? undefined : country })} before={url.breach_before} onBefore={(breach_before) => setUrl({ breach_before })} />}
      {change && <AskedChange change={change} onForget={() => setUrl({ change: undefined })} />}
      <div className="fl-row">
        <Find label="Find devices by the beginning of an identifier" pattern={/^[\x21-\x7e]{1,64}$/} value={q} onChange={(next) => setUrl({ q: next }, { replace: true })} />
        <FilterChips filters={filters} values={asText(filter)} onChange={(patch) => setUrl(read(patch))} />
      </div>
      <DataTable
        fill
        id="fleet"
        label="Devices"
        noun="devices"
        columns={columns}
        pages={pages}
        rowKey={(device) => device.name}
        total={filtered ? (left?.exact ? left.devices : undefined) : counts.data?.devices}
        note={left && <Counted left={left} />}
        selection={{ selected, onChange: setSelected }}
        tools={<Chosen names={names} all={"match" in all && left?.exact ? { ...all, about: left.devices } : all} onClear={() => setSelected(new Set())} onApplied={(made) => setUrl({ change: made.id })} />}
        onOpen={(device) => void navigate({ to: "/devices/$ref", params: { ref: device.name } })}
        empty={
          filtered ? (
            <Empty title="No device is like that" action={<Button variant="default" onClick={() => void navigate({ to: "/fleet" })}>Take all filters away</Button>}>
              Search finds names, serials, IMEIs, EIDs, ICCIDs, IMSIs and MACs by their beginning, and the IP address of an open session when it is whole.
            </Empty>
          ) : (
            <Empty title="There are no devices yet">
              Import them from a file: <code>fairlead import devices devices.csv</code>, then their SIMs with <code>fairlead import sims sims.csv</code>.
            </Empty>
          )
        }
      />
    </Screen>
  );

  function read(patch: Record<string, string | undefined>) {
    const known = search(patch as Record<string, unknown>) as Record<string, unknown>;
    return Object.fromEntries(Object.keys(patch).map((key) => [key, known[key]]));
  }
}

function asText(url: Record<string, unknown>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(url).map(([key, value]) => [key, value === undefined ? undefined : String(value)]));
}

function useFigures(counts: Counts | undefined, chosen: string | undefined, choose: (value: (typeof CONNECTIVITY)[number] | undefined) => void): Figure[] {
  const format = useFormat();
  const by = (dimension: string, value: string) => counts?.by[dimension]?.find((one) => one.value === value)?.devices ?? 0;
  const share = (n: number) => (counts && counts.devices > 0 ? format.percent(n / counts.devices) : undefined);
  return [
    { name: "Devices", value: counts ? format.number(counts.devices) : "…" },
    ...CONNECTIVITY.map((word): Figure => {
      const n = by("connectivity", word);
      return { name: capital(word), value: counts ? format.number(n) : "…", note: share(n), tone: toneOf(word), pressed: chosen === word, onClick: () => choose(chosen === word ? undefined : word) };
    }),
  ];
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** How sure the number is: counted now, as last counted with its age, or "at least". */
function Counted({ left }: { left: Schemas["DeviceFacets"] }) {
  const format = useFormat();
  if (left.how === "now") return null;
  if (left.how === "counted") return <span>· as counted {span(left.age_s)} ago</span>;
  return (
    <Tooltip label="Counting ended with its time budget: there are so many, or more">
      <span tabIndex={0}>· at least {format.number(left.devices)} match</span>
    </Tooltip>
  );
}
