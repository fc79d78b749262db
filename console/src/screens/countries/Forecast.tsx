// Breaches to come, week by week, with the assumption they rest on and how such forecasts came out so far.
import { SegmentedControl } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { useFormat } from "@/frame/format";
import { Age, Empty, Loading, Panel, Problem } from "@/parts";
import { WeekBars } from "./WeekBars";
import css from "./countries.module.css";
import { accuracyQuery, type ForecastError, forecastQuery, isoDay, stacked } from "./weeks";

interface Props {
  weeks: number;
  onWeeks?: (weeks: number) => void;
  /** Only this country. */
  country?: string;
  height: number;
}

export function Forecast({ weeks, onWeeks, country, height }: Props) {
  const forecast = useQuery(forecastQuery(weeks));
  const format = useFormat();
  const navigate = useNavigate();
  const made = useMemo(() => (forecast.data ? stacked(forecast.data, format.monthDay, country) : null), [forecast.data, format, country]);
  return (
    <Panel
      title="Breaches to come"
      note={made ? `${format.number(made.total)} in ${weeks} weeks` : undefined}
      right={onWeeks && <SegmentedControl size="xs" aria-label="How far" value={String(weeks)} onChange={(value) => onWeeks(Number(value))} data={[{ value: "13", label: "13" }, { value: "26", label: "26" }, { value: "52", label: "52 weeks" }]} />}
    >
      {forecast.error && <Problem error={forecast.error} retry={forecast.refetch} />}
      {forecast.isPending && <Loading what="Reading the forecast" />}
      {made && made.total === 0 && <Empty title="No clock runs out in this time">A breach is forecast for a device whose roaming clock reaches its limit if it stays where it is.</Empty>}
      {made && made.total > 0 && (
        <WeekBars
          made={made}
          height={height}
          onPick={(monday) => void navigate({ to: "/fleet", search: { country, breach_before: `${isoDay(monday + 7 * 86_400_000)}T00:00:00Z` } })}
        />
      )}
      {forecast.data && (
        <p className={css.assumption}>
          Assumed: {forecast.data.assumption}. <Accuracy /> Not legal advice.
        </p>
      )}
    </Panel>
  );
}

/** How forecasts of a month ago came out, in a sentence for each assumption. */
export function Accuracy() {
  const accuracy = useQuery(accuracyQuery);
  const format = useFormat();
  if (accuracy.error) return <>How good forecasts have been could not be read.</>;
  if (!accuracy.data) return <>Measuring how good forecasts have been…</>;
  const { errors, devices, cut, until } = accuracy.data;
  if (errors.every((one) => one.forecasts === 0)) return <>No forecast is a month old yet, so none could be measured.</>;
  return (
    <>
      Measured on {format.number(devices)} devices with what was known on {format.date(cut)}, against what had happened by {format.date(until)} (<Age at={until} />): {errors.map((one) => said(one, format.number)).join("; ")}.
    </>
  );
}

function said(one: ForecastError, number: (n: number) => string): string {
  const assumption = one.assumption === "continues" ? "if every device stays" : one.assumption === "last-30-days" ? "if its last thirty days repeat" : one.assumption;
  const came = one.hits + one.missed;
  const off = one.mean_absolute_days === null ? "" : `, off by ${number(Math.round(one.mean_absolute_days * 10) / 10)} days on average`;
  return `${assumption}, ${number(one.hits)} of ${number(came)} breaches that came were forecast, ${number(one.false_alarms)} false ${one.false_alarms === 1 ? "alarm" : "alarms"}${off}`;
}
