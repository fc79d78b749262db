// The six questions. What each shows beside its sentence is in the answer itself; only the forecast is asked for apart.
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useFormat } from "@/frame/format";
import { toneOf, wordsOf } from "@/parts";
import { forecastQuery, stacked } from "../countries/weeks";
import { WeekBars } from "../countries/WeekBars";
import { Card, Shares } from "./Card";
import css from "./home.module.css";
import type { Home } from "./queries";

const CONNECTIVITY = ["online", "attached", "offline", "blocked", "unknown"];
const UNDER_WAY = ["running", "paused", "approved", "planned", "draft", "settled", "standing"];
const MANY = 10_000; // the API counts by looking so far, then says "more than"

export function Online({ home }: { home: Home }) {
  const { by } = home.online;
  return (
    <Card question="Who is online?" answer={home.online} now={home.now}>
      <Shares label="Devices by connectivity" parts={CONNECTIVITY.map((name) => ({ name: name === "unknown" ? "not known" : name, value: by[name] ?? 0, tone: toneOf(name), to: { screen: "/fleet", search: { connectivity: name } } }))} />
    </Card>
  );
}

export function Broken({ home }: { home: Home }) {
  const format = useFormat();
  const { devices_out_of_sync, moves_stuck, operations_unknown, carriers_failing, findings_critical } = home.broken;
  const rows: [string, number | null, string][] = [
    ["devices out of sync", devices_out_of_sync, "not compared yet"],
    ["moves that are stuck", moves_stuck, "–"],
    ["operations with an unknown outcome", operations_unknown, "–"],
    ["critical findings nobody has acknowledged", findings_critical, "needs findings.read"],
    ["carrier accounts that fail", carriers_failing, "needs carriers.read"],
  ];
  return (
    <Card question="What is broken?" answer={home.broken} now={home.now}>
      {!home.broken.needs && (
        <ul className={css.rows}>
          {rows.map(([name, value, none]) => (
            <li key={name} data-some={(value ?? 0) > 0 || undefined}>
              {name} <b>{value === null ? none : value > MANY ? `more than ${format.number(MANY)}` : format.number(value)}</b>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

export function IllegalSoon({ home }: { home: Home }) {
  const forecast = useQuery({ ...forecastQuery(13), enabled: !home.illegal_soon.needs && home.illegal_soon.breached !== null });
  const { monthDay } = useFormat();
  const made = useMemo(() => (forecast.data ? stacked(forecast.data, monthDay) : null), [forecast.data, monthDay]);
  return (
    <Card question="What becomes illegal soon?" answer={home.illegal_soon} now={home.now}>
      {made && made.total > 0 && home.illegal_soon.breached !== null && (
        <div>
          <WeekBars made={made} height={84} small />
          <div className={css.caption}>breaches by week, if every device stays where it is</div>
        </div>
      )}
    </Card>
  );
}

export function Changing({ home }: { home: Home }) {
  const { by_state } = home.changing;
  return (
    <Card question="What is changing?" answer={home.changing} now={home.now}>
      <Shares label="Changes by state" parts={UNDER_WAY.map((name) => ({ name: wordsOf(name), value: by_state[name] ?? 0, tone: toneOf(name), to: { screen: "/changes", search: { state: name } } }))} />
    </Card>
  );
}

export function Cost({ home }: { home: Home }) {
  const format = useFormat();
  const { monthly, subscriptions, priced, coverage, unpriced } = home.cost;
  const [first, ...others] = monthly; // the API puts the one with most subscriptions first
  const plans = Object.entries(unpriced).slice(0, 3);
  return (
    <Card
      question="What does it cost?"
      answer={home.cost}
      now={home.now}
      figure={
        first && (
          <div className={css.figure}>
            {format.money(first.amount, "")} <span className={css.unit}>{first.currency} a month</span>
          </div>
        )
      }
    >
      {others.length > 0 && (
        <div className={css.monies} title="Currencies are never added up">
          <span className="fl-dim">and</span>
          {others.map((one) => (
            <span key={one.currency}>
              <b>{format.money(one.amount, "")}</b> {one.currency}
            </span>
          ))}
        </div>
      )}
      {coverage !== null && subscriptions !== null && priced !== null && (
        <Shares label="Subscriptions with a price" parts={[{ name: "with a price", value: priced, tone: "info" }, { name: plans.length > 0 ? `without: ${plans.map(([plan]) => plan || "no plan").join(", ")}` : "without", value: subscriptions - priced, tone: "warn" }]} />
      )}
    </Card>
  );
}

export function Ready({ home }: { home: Home }) {
  return <Card question="Are we ready to scale?" answer={home.ready_to_scale} now={home.now} />;
}
