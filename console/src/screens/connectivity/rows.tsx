// The table's columns, its filters with counts, and what of the filters a condition can say.
import type { LinesSent } from "@/api/bulk";
import type { Schemas } from "@/api/client";
import type { Results } from "@/api/results";
import { countryName } from "@/frame/format";
import { Age, Became, CarrierLink, type Column, CountryLink, DeviceLink, type Filter, Ident, type Option, quoted, StateBadge, SubscriptionLink, wordsOf } from "@/parts";
import { CONNECTIVITY, FORM_FACTORS, SILENCES, STATES, TECHNOLOGIES, type search } from "./search";

export type Sim = Schemas["SubscriptionShown"];
type Url = ReturnType<typeof search>;

const yesNo = (value: boolean | null) => (value === null ? <span className="fl-dim">not known</span> : value ? "yes" : "no");

export function Remote({ remote }: { remote: Sim["remote"] }) {
  if (remote === "changeable") return <StateBadge state="changeable" tone="ok" plain hint="Its card can be given another operator without a visit" />;
  if (remote === "swap_needed") return <StateBadge state="swap needed" tone="warn" plain hint="Another operator needs somebody to change the card" />;
  return <StateBadge state={null} label="card not known" plain />;
}

/** What the carrier said, never without how long ago. */
function Said({ state, at, what }: { state: string; at: string | null; what: string }) {
  return (
    <span style={{ display: "inline-flex", gap: "0.5rem", alignItems: "baseline" }}>
      <StateBadge state={state} plain />
      <Age at={at} what={what} oldAfterS={86_400} never="not said" />
    </span>
  );
}

export function columnsOf(results: Results | undefined): Column<Sim>[] {
  const result: Column<Sim>[] = results ? [{ id: "result", header: "Result", width: 112, cell: (sim) => <Became result={results.get(sim.device ?? "")} /> }] : [];
  return [
    { id: "iccid", header: "ICCID", width: 170, cell: (sim) => <SubscriptionLink subscription={sim.iccid}><Ident value={sim.iccid} copy={false} /></SubscriptionLink> },
    ...result,
    { id: "account", header: "Account", width: 110, cell: (sim) => <CarrierLink account={sim.account} /> },
    { id: "device", header: "Device", width: 100, grow: true, cell: (sim) => (sim.device ? <DeviceLink device={sim.device} /> : <span className="fl-dim">in none</span>) },
    { id: "state", header: "State", width: 170, cell: (sim) => <Said state={sim.state} at={sim.observed_at} what={`State as ${sim.account} said it${sim.provider_state ? ` (“${sim.provider_state}”)` : ""}`} /> },
    { id: "connectivity", header: "On the air", width: 160, cell: (sim) => <Said state={sim.connectivity} at={sim.connectivity_at} what={`Connectivity as ${sim.account} said it`} /> },
    { id: "plan", header: "Plan", width: 92, cell: (sim) => sim.plan ?? "–" },
    { id: "country", header: "Country", width: 104, grow: true, cell: (sim) => (sim.country ? <CountryLink code={sim.country} /> : <span className="fl-dim">unknown</span>) },
    { id: "card", header: "Card", width: 104, cell: (sim) => (sim.form_factor ? `${sim.form_factor} ${sim.technology ?? ""}` : "–") },
    { id: "remote", header: "Operator change", width: 140, cell: (sim) => <Remote remote={sim.remote} /> },
    { id: "word", header: "Carrier’s word", width: 120, hidden: true, cell: (sim) => sim.provider_state ?? "–" },
    { id: "holds", header: "Held by carrier", width: 140, hidden: true, cell: (sim) => (sim.hold_reasons.length > 0 ? sim.hold_reasons.map(wordsOf).join(", ") : "–") },
    { id: "enabled", header: "Profile enabled", width: 110, hidden: true, cell: (sim) => yesNo(sim.enabled) },
    { id: "multi", header: "Several IMSIs", width: 104, hidden: true, cell: (sim) => yesNo(sim.multi_imsi) },
    { id: "home", header: "Home country", width: 120, hidden: true, cell: (sim) => (sim.home_country ? countryName(sim.home_country) : "–") },
    { id: "imsi", header: "IMSI", width: 140, hidden: true, cell: (sim) => <Ident value={sim.imsi} copy={false} /> },
    { id: "msisdn", header: "MSISDN", width: 130, hidden: true, cell: (sim) => <Ident value={sim.msisdn} copy={false} /> },
    { id: "eid", header: "EID", width: 270, hidden: true, cell: (sim) => <Ident value={sim.eid} copy={false} /> },
  ];
}

export function filtersFrom(counts: Schemas["SimCounts"] | undefined): Filter[] {
  const counted = (dimension: string, label?: (value: string) => string): Option[] | undefined =>
    counts?.by[dimension]
      ?.filter((one) => one.value !== null)
      .sort((a, b) => b.subscriptions - a.subscriptions)
      .map((one) => ({ value: one.value ?? "", label: label?.(one.value ?? ""), count: one.subscriptions }));
  const words = (dimension: string, known: readonly string[]): Option[] =>
    known.map((value) => ({ value, label: wordsOf(value), count: counts ? (counts.by[dimension]?.find((one) => one.value === value)?.subscriptions ?? 0) : undefined }));
  return [
    { key: "carrier", label: "Account", options: counted("account") },
    { key: "state", label: "State", options: words("state", STATES) },
    { key: "plan", label: "Plan", options: counted("plan") },
    { key: "connectivity", label: "On the air", options: words("connectivity", CONNECTIVITY) },
    { key: "form_factor", label: "Form factor", options: words("form_factor", FORM_FACTORS).map((one) => ({ ...one, label: one.value })) },
    { key: "technology", label: "Technology", options: words("technology", TECHNOLOGIES) },
    { key: "remote", label: "Operator change", options: words("remote", ["changeable", "swap_needed"]) },
    { key: "country", label: "Country", options: counted("country", countryName) },
    { key: "multi_imsi", label: "Several IMSIs", options: words("multi_imsi", ["true", "false"]).map((one) => ({ ...one, label: one.value === "true" ? "yes" : "no" })), more: true },
    { key: "silence", label: "Use", options: SILENCES.map((value) => ({ value, label: wordsOf(value) })), more: true },
    { key: "silent_days", label: "Silent for days", more: true },
    { key: "device", label: "Device", more: true },
  ];
}

/** The filters as a bulk action takes them; or why it cannot. */
export function linesOf(url: Url): { lines: LinesSent } | { not: string } {
  const { tab: _, change: __, q, device, ...conditions } = url;
  const stuck = [q !== undefined && "the search", device !== undefined && "the device’s name"].filter(Boolean);
  if (stuck.length > 0) return { not: `a bulk action does not know ${stuck.join(" and ")}: choose rows instead` };
  if (Object.keys(conditions).length === 0) return { not: "set a filter first" };
  return { lines: conditions };
}

const NO_FACT: [keyof Url, string][] = [
  ["q", "the search"],
  ["device", "the device’s name"],
  ["form_factor", "the form factor"],
  ["technology", "the technology"],
  ["remote", "“operator change”"],
  ["multi_imsi", "several IMSIs"],
  ["silence", "the use of a SIM"],
];

/** The filters as a condition on devices and the SIM that each uses; or why there is none. */
export function matchOf(url: Url): { match: string } | { not: string } {
  const stuck = NO_FACT.filter(([key]) => url[key] !== undefined).map(([, name]) => name);
  if (stuck.length > 0) return { not: `no condition can read ${stuck.join(" and ")}: choose rows instead` };
  const parts = [
    url.carrier && `carrier == ${quoted(url.carrier)}`,
    url.state && `subscription.state == ${quoted(url.state)}`,
    url.plan && `subscription.plan == ${quoted(url.plan)}`,
    url.connectivity && `connectivity == ${quoted(url.connectivity)}`,
    url.country && `country == ${quoted(url.country)}`,
  ].filter(Boolean);
  return parts.length > 0 ? { match: parts.join(" && ") } : { not: "set a filter first" };
}
