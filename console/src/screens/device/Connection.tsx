// What the networks saw: clocks by rule, sessions, and runs of presence.
import { useMemo } from "react";
import type { Schemas } from "@/api/client";
import { useCountries, wholeList } from "@/api/queries";
import { countryName, useFormat } from "@/frame/format";
import { Age, type Column, CountryLink, DataTable, DaysLeft, Empty, Ident, Instant, Panel, StateBadge, wordsOf } from "@/parts";
import css from "./device.module.css";

type Session = Schemas["SessionShown"];
type Run = Schemas["PresenceShown"];

type Clock = Schemas["ClockShown"];

/** Days used and left by rule. How many days a rule allows in all is what both make together. */
export function Clocks({ clocks, zone }: { clocks: Clock[]; zone: string | null }) {
  const countries = useCountries();
  const rules = useMemo(() => new Map(countries.data?.items.flatMap((country) => country.rules.map((rule) => [rule.id, { rule, code: country.code }] as const)) ?? []), [countries.data]);
  return (
    <Panel title="Roaming clocks" note="not legal advice">
      {clocks.length === 0 && <Empty title="No rule counts days for it">A clock runs where a rule of the visited country limits permanent roaming.</Empty>}
      {clocks.map((clock) => {
        const known = rules.get(clock.rule);
        const left = clock.days_left;
        const tone = left === null ? "idle" : left <= 7 ? "bad" : left <= 30 ? "warn" : "info";
        const share = left === null ? 0 : clock.days_used / Math.max(1, clock.days_used + left);
        return (
          <div key={clock.rule} className={css.rule}>
            <span className="fl-row">
              {left === null ? <StateBadge state="does not run now" tone="idle" hint="It counts days on a foreign SIM: at present it is on none, or elsewhere" /> : <DaysLeft at={clock.breach_at} />}
              <span>{wordsOf(clock.topic)}</span>
            </span>
            {left !== null && (
              <span className={css.meter} role="img" aria-label={`${clock.days_used} days used, ${left} left`}>
                <span style={{ width: `${Math.max(2, share * 100)}%`, background: `var(--fl-${tone})` }} />
              </span>
            )}
            <span>
              {clock.days_used} {clock.days_used === 1 ? "day" : "days"} used
              {left !== null && <>, {left} left</>}
              {clock.breach_at && (
                <>
                  {" "}· {left === 0 ? "breached" : "breaches"} <Instant at={clock.breach_at} zone={zone} />
                </>
              )}
            </span>
            <span className={css.small}>
              {clock.started_at && (
                <>
                  counts from <Instant at={clock.started_at} zone={zone} /> ·{" "}
                </>
              )}
              computed <Age at={clock.computed_at} zone={zone} />
            </span>
            <span className={css.small}>
              rule {known ? <CountryLink code={known.code}>{clock.rule}</CountryLink> : clock.rule}
              {known && (
                <>
                  : {known.rule.stance.replaceAll("_", " ")}, confidence {known.rule.confidence}, read {known.rule.as_of}
                </>
              )}
            </span>
          </div>
        );
      })}
    </Panel>
  );
}

function here<T>(rows: T[]) {
  return wholeList<T>({ data: rows, isPending: false, error: null, refetch: () => undefined });
}

export function Sessions({ sessions, zone }: { sessions: Session[]; zone: string | null }) {
  const format = useFormat(zone);
  const columns: Column<Session>[] = [
    { id: "started", header: "Started", width: 160, cell: (row) => <Instant at={row.started_at} zone={zone} />, sort: (row) => row.started_at },
    { id: "ended", header: "Ended", width: 160, cell: (row) => (row.ended_at ? <Instant at={row.ended_at} zone={zone} /> : <StateBadge state="running" plain tone="ok" />), sort: (row) => row.ended_at },
    { id: "country", header: "Country", width: 130, grow: true, cell: (row) => (row.country ? countryName(row.country) : "–"), sort: (row) => row.country },
    { id: "network", header: "Network", width: 110, cell: (row) => [row.plmn, row.rat].filter(Boolean).join(" · ") || "–", sort: (row) => row.plmn },
    { id: "iccid", header: "ICCID", width: 190, cell: (row) => <Ident value={row.iccid} copy={false} /> },
    { id: "ip", header: "IP", width: 120, cell: (row) => <Ident value={row.ip} copy={false} /> },
    { id: "bytes", header: "Data", width: 90, right: true, cell: (row) => format.bytes(row.bytes), sort: (row) => row.bytes },
    { id: "cause", header: "End cause", width: 130, cell: (row) => row.end_cause ?? "–" },
    { id: "source", header: "Source", width: 150, cell: (row) => row.source },
  ];
  return (
    <DataTable id="device-sessions" label="Sessions" noun="sessions" columns={columns} pages={here(sessions)} rowKey={(row) => `${row.iccid}${row.started_at}`} title="Sessions" note="the newest twenty" empty={<Empty title="No session was seen">Carriers and RADIUS report them.</Empty>} />
  );
}

export function Presence({ runs, zone }: { runs: Run[]; zone: string | null }) {
  const columns: Column<Run>[] = [
    { id: "country", header: "Country", width: 150, grow: true, cell: (row) => countryName(row.country), sort: (row) => row.country },
    { id: "network", header: "Network", width: 110, cell: (row) => row.plmn, sort: (row) => row.plmn },
    { id: "first", header: "First seen", width: 160, cell: (row) => <Instant at={row.first_at} zone={zone} />, sort: (row) => row.first_at },
    { id: "last", header: "Last seen", width: 160, cell: (row) => <Instant at={row.last_at} zone={zone} />, sort: (row) => row.last_at },
    { id: "iccid", header: "ICCID", width: 190, cell: (row) => <Ident value={row.iccid} copy={false} /> },
    { id: "source", header: "Source", width: 120, cell: (row) => row.source },
  ];
  return (
    <DataTable id="device-presence" label="Presence" noun="runs" columns={columns} pages={here(runs)} rowKey={(row) => `${row.country}${row.plmn}${row.first_at}${row.iccid}`} title="Presence" note="what roaming clocks read" empty={<Empty title="It was seen nowhere yet" />} />
  );
}
