// Countries: what each says about permanent roaming, how sure that is and where it moves; my devices there by days
// left; the breaches to come. A country that nobody has read is unknown: a warning, never a permission.
import { Button, SegmentedControl } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { type Country, useCountries, wholeList } from "@/api/queries";
import { countryName, useFormat } from "@/frame/format";
import { useUrl } from "@/frame/url";
import { DataTable, Empty, type Figure, Figures, type Filter, FilterChips, Panel, Problem, Screen, useChartColours, wordsOf } from "@/parts";
import { columns } from "./columns";
import css from "./countries.module.css";
import { byUrgency, within } from "./days";
import { Forecast } from "./Forecast";
import { search, type Url } from "./search";
import { STANCES } from "./shades";
import { StanceMap, type View } from "./StanceMap";

const KEYS = ["stance", "confidence", "trend", "present", "contradictory", "within_days"] as const;

function keeps(one: Country, url: Url): boolean {
  return (
    (url.stance === undefined || one.stance === url.stance) &&
    (url.confidence === undefined || (one.confidence === url.confidence && one.behind.length > 0)) &&
    (url.trend === undefined || one.trend === url.trend) &&
    (url.present === undefined || (one.here.devices ?? 0) > 0 === url.present) &&
    (url.contradictory === undefined || one.contradictory === url.contradictory) &&
    (url.within_days === undefined || within(one.here, Number(url.within_days)) > 0)
  );
}

export default function CountriesScreen() {
  const [url, setUrl] = useUrl(search);
  const found = useCountries();
  const navigate = useNavigate();
  const colours = useChartColours();
  const all = useMemo(() => [...(found.data?.items ?? [])].sort((a, b) => byUrgency(a.here, b.here) || b.behind.length - a.behind.length || countryName(a.code).localeCompare(countryName(b.code))), [found.data]);
  const shown = useMemo(() => all.filter((one) => keeps(one, url)), [all, url]);
  const codes = useMemo(() => new Set(shown.map((one) => one.code)), [shown]);
  const shownColumns = useMemo(() => columns(colours), [colours]);
  const filtered = KEYS.some((key) => url[key] !== undefined);
  const open = (code: string) => void navigate({ to: "/countries/$code", params: { code } });

  return (
    <Screen title="Countries" subtitle={found.data?.notice ?? "What each country says about permanent roaming. Not legal advice."}>
      {found.error && (
        <Panel>
          <Problem error={found.error} retry={found.refetch} />
        </Panel>
      )}
      <Figures label="Countries in figures" items={useFigures(all, found.isPending, url, setUrl)} />
      <FilterRow all={all} url={url} setUrl={setUrl} />
      <div className={css.page}>
        <div className="fl-stack">
          <Panel
            title="The world"
            note="click a country to open it"
            flush
            right={<SegmentedControl size="xs" aria-label="What the map shows" value={url.view ?? "stance"} onChange={(view) => setUrl({ view: view === "stance" ? undefined : (view as View) })} data={[{ value: "stance", label: "Stance" }, { value: "trend", label: "Trend" }, { value: "clocks", label: "My clocks" }]} />}
          >
            <StanceMap view={url.view ?? "stance"} all={all} shown={codes} height={268} onPick={open} stance={url.stance} onStance={(stance) => setUrl({ stance })} />
          </Panel>
          <Forecast weeks={Number(url.weeks ?? 13)} onWeeks={(weeks) => setUrl({ weeks: weeks === 13 ? undefined : (String(weeks) as Url["weeks"]) })} height={190} />
        </div>
        <div className={css.list}>
          <DataTable
            fill
            id="countries"
            label="Countries"
            noun="countries"
            columns={shownColumns}
            pages={wholeList<Country>({ data: found.data && shown, isPending: found.isPending, error: found.error, refetch: found.refetch })}
            rowKey={(one) => one.code}
            total={all.length}
            onOpen={(one) => open(one.code)}
            note="the most urgent first"
            empty={
              <Empty title="No country is like that" action={<Button variant="default" onClick={() => setUrl(Object.fromEntries(KEYS.map((key) => [key, undefined])))}>Take all filters away</Button>}>
                {filtered ? "Take a filter away." : "Reference data has no country."}
              </Empty>
            }
          />
        </div>
      </div>
    </Screen>
  );
}

type Patch = (patch: Partial<Url>) => void;

function useFigures(all: Country[], pending: boolean, url: Url, setUrl: Patch): Figure[] {
  const format = useFormat();
  const here = all.filter((one) => (one.here.devices ?? 0) > 0);
  const number = (n: number) => (pending ? "…" : format.number(n));
  const due = (days: number) => here.reduce((sum, one) => sum + within(one.here, days), 0);
  const unread = here.filter((one) => one.stance === "unknown");
  const clock = (name: string, days: "0" | "7" | "30", tone: Figure["tone"]): Figure => {
    const n = due(Number(days));
    return { name, value: number(n), note: n === 1 ? "device" : "devices", tone: n > 0 ? tone : "idle", pressed: url.within_days === days, onClick: () => setUrl({ within_days: url.within_days === days ? undefined : days }) };
  };
  return [
    { name: "With my devices", value: number(here.length), note: "countries", pressed: url.present === true, onClick: () => setUrl({ present: url.present ? undefined : true }) },
    clock("Past the limit", "0", "bad"),
    clock("Within 7 days", "7", "bad"),
    clock("Within 30 days", "30", "warn"),
    {
      name: "Rules unknown", value: number(unread.reduce((sum, one) => sum + (one.here.devices ?? 0), 0)), note: "devices", tone: unread.length > 0 ? "warn" : "idle",
      pressed: url.stance === "unknown" && url.present === true, onClick: () => setUrl(url.stance === "unknown" && url.present ? { stance: undefined, present: undefined } : { stance: "unknown", present: true }),
    },
    { name: "Contradictory", value: number(all.filter((one) => one.contradictory).length), note: "countries", pressed: url.contradictory === true, onClick: () => setUrl({ contradictory: url.contradictory ? undefined : true }) },
  ];
}

function FilterRow({ all, url, setUrl }: { all: Country[]; url: Url; setUrl: Patch }) {
  const filters = useMemo((): Filter[] => {
    const count = (patch: Url) => all.filter((one) => keeps(one, patch)).length;
    return [
      { key: "stance", label: "Roaming rules", options: STANCES.map((value) => ({ value, label: wordsOf(value), count: count({ stance: value }) })) },
      { key: "confidence", label: "Confidence", options: (["high", "medium", "low"] as const).map((value) => ({ value, count: count({ confidence: value }) })) },
      { key: "trend", label: "Trend", options: (["tightening", "stable", "loosening", "unknown"] as const).map((value) => ({ value, label: value === "unknown" ? "not known" : value, count: count({ trend: value }) })) },
      { key: "present", label: "My devices", options: [{ value: "true", label: "are there", count: count({ present: true }) }, { value: "false", label: "are not there", count: count({ present: false }) }] },
      { key: "contradictory", label: "Sources", options: [{ value: "true", label: "contradict each other", count: count({ contradictory: true }) }, { value: "false", label: "agree, or there is one or none", count: count({ contradictory: false }) }] },
      { key: "within_days", label: "Clock runs out", options: (["0", "7", "30", "90"] as const).map((value) => ({ value, label: value === "0" ? "already" : `within ${value} days`, count: count({ within_days: value }) })) },
    ];
  }, [all]);
  return (
    <div className="fl-row">
      <FilterChips
        filters={filters}
        values={Object.fromEntries(KEYS.map((key) => [key, url[key] === undefined ? undefined : String(url[key])]))}
        onChange={(patch) => {
          const known = search(patch as Record<string, unknown>) as Record<string, unknown>;
          setUrl(Object.fromEntries(Object.keys(patch).map((key) => [key, known[key]])));
        }}
      />
    </div>
  );
}
