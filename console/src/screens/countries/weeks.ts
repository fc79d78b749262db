import { queryOptions } from "@tanstack/react-query";
import type { Schemas } from "@/api/client";
import { api, ok } from "@/api/queries";
import { countryName, type Format } from "@/frame/format";

export type ForecastShown = Schemas["Forecast"];
export type ForecastError = Schemas["ErrorShown"];

export const forecastQuery = (weeks: number) =>
  queryOptions({ queryKey: ["forecast", weeks], queryFn: () => ok(api.GET("/v1/forecast", { params: { query: { weeks } } })) });

// Held-out history changes slowly and is dear to ask for: not with every count.
export const accuracyQuery = queryOptions({ queryKey: ["accuracy"], queryFn: () => ok(api.GET("/v1/forecast/accuracy")), staleTime: 600_000 });

const WEEK = 7 * 86_400_000;
const NAMED = 4; // countries with a colour of their own; the rest together

export const isoDay = (at: number): string => new Date(at).toISOString().slice(0, 10);

/** Every week from the first to the last, the quiet ones too; the countries with most breaches by name. */
export function stacked(forecast: ForecastShown, day: Format["monthDay"], country?: string) {
  const rows = forecast.weeks.filter((one) => country === undefined || one.country === country);
  const now = Date.parse(forecast.now);
  const first = Math.min(mondayOf(now), ...rows.map((one) => Date.parse(one.week)));
  const mondays: number[] = [];
  for (let at = first; at < Date.parse(forecast.until); at += WEEK) mondays.push(at);
  const sums = new Map<string, number>();
  for (const one of rows) sums.set(one.country ?? "", (sums.get(one.country ?? "") ?? 0) + one.devices);
  const ranked = [...sums].sort((a, b) => b[1] - a[1]).map(([code]) => code);
  const named = ranked.length > NAMED + 1 ? ranked.slice(0, NAMED) : ranked;
  const values = (codes: (code: string) => boolean) => mondays.map((monday) => rows.filter((one) => Date.parse(one.week) === monday && codes(one.country ?? "")).reduce((sum, one) => sum + one.devices, 0));
  const series = named.map((code) => ({ name: countryName(code || null), values: values((one) => one === code), rest: false }));
  if (named.length < ranked.length) series.push({ name: `${ranked.length - named.length} others`, values: values((one) => !named.includes(one)), rest: true });
  return { mondays, labels: mondays.map(day), series, total: rows.reduce((sum, one) => sum + one.devices, 0) };
}

function mondayOf(at: number): number {
  const midnight = Math.floor(at / 86_400_000) * 86_400_000;
  return midnight - ((new Date(midnight).getUTCDay() + 6) % 7) * 86_400_000;
}

export type Weeks = ReturnType<typeof stacked>;
