// The fleet: where it is, how it is, and every device, by filters that are the URL. The server filters, counts and
// exports; nothing here holds more than the rows one has scrolled past.
import { ActionIcon, Button, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconDownload, IconSearch, IconX } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";
import { type Counts, useCounts, useDevices } from "@/api/queries";
import { useFormat } from "@/frame/format";
import { stringifySearch, useUrl } from "@/frame/url";
import { Age, DataTable, Empty, type Figure, Figures, FilterChips, Screen, toneOf } from "@/parts";
import { columns } from "./columns";
import { filtersFrom } from "./filters";
import { search } from "./search";
import { WhereTheyAre } from "./WhereTheyAre";

const CONNECTIVITY = ["online", "attached", "offline", "blocked"] as const;

export default function FleetScreen() {
  const [url, setUrl] = useUrl(search);
  const format = useFormat();
  const navigate = useNavigate();
  const counts = useCounts();
  const pages = useDevices(url);
  const filters = useMemo(() => filtersFrom(counts.data, format), [counts.data, format]);
  const filtered = Object.keys(url).length > 0;
  const { q, ...conditions } = url;

  return (
    <Screen
      fill
      title="Fleet"
      subtitle={counts.data ? <>Counted <Age at={counts.data.counted_at} never="not yet" what="Counts are kept by a worker" /></> : "Counting…"}
      actions={
        <Button component="a" variant="default" leftSection={<IconDownload size={14} aria-hidden />} href={`/v1/devices.csv${stringifySearch(conditions)}`} download>
          Export {filtered ? "these" : "all"} as CSV
        </Button>
      }
    >
      <Figures label="The fleet in figures" items={useFigures(counts.data, url.connectivity, (connectivity) => setUrl({ connectivity }))} />
      <WhereTheyAre selected={url.country} onPick={(country) => setUrl({ country: country === url.country ? undefined : country })} before={url.breach_before} onBefore={(breach_before) => setUrl({ breach_before })} />
      <div className="fl-row">
        <Find value={q} onChange={(next) => setUrl({ q: next }, { replace: true })} />
        <FilterChips filters={filters} values={asText(url)} onChange={(patch) => setUrl(read(patch))} />
      </div>
      <DataTable
        fill
        id="fleet"
        label="Devices"
        noun="devices"
        columns={columns}
        pages={pages}
        rowKey={(device) => device.id}
        total={filtered ? undefined : counts.data?.devices}
        onOpen={(device) => void navigate({ to: "/devices/$ref", params: { ref: device.name } })}
        empty={
          filtered ? (
            <Empty title="No device is like that" action={<Button variant="default" onClick={() => void navigate({ to: "/fleet" })}>Take all filters away</Button>}>
              Search finds names, serials, IMEIs, EIDs, ICCIDs, IMSIs and MACs by their beginning.
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

function Find({ value, onChange }: { value: string | undefined; onChange: (value: string | undefined) => void }) {
  const [typed, setTyped] = useState(value ?? "");
  const settle = useDebouncedCallback((next: string) => onChange(/^[\x21-\x7e]{1,64}$/.test(next) ? next : undefined), 200);
  useEffect(() => setTyped(value ?? ""), [value]);
  return (
    <TextInput
      size="xs"
      w={210}
      aria-label="Find devices by the beginning of an identifier"
      placeholder="Identifier begins with…"
      leftSection={<IconSearch size={14} aria-hidden />}
      rightSection={
        typed && (
          <ActionIcon size="xs" variant="subtle" color="gray" aria-label="Clear the search" onClick={() => { setTyped(""); onChange(undefined); }}>
            <IconX size={12} />
          </ActionIcon>
        )
      }
      value={typed}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        settle(event.currentTarget.value.trim());
      }}
    />
  );
}
