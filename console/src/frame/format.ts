// Instants, numbers and bytes as the viewer wants them: zone by choice, signs by the browser's locale.
import { useLocalStorage } from "@mantine/hooks";
import { useMemo } from "react";

export type ZoneChoice = "mine" | "device" | "utc";

export function useZoneChoice() {
  return useLocalStorage<ZoneChoice>({ key: "fairlead-zone", defaultValue: "mine", getInitialValueInEffect: false });
}

const STEPS: [number, string, string][] = [
  [60, "s", "s"],
  [3_600, "min", "min"],
  [86_400, "h", "h"],
  [86_400 * 60, "day", "days"],
  [86_400 * 730, "month", "months"],
  [Number.POSITIVE_INFINITY, "year", "years"],
];
const UNITS = [1, 60, 3_600, 86_400, 86_400 * 30, 86_400 * 365];

/** "3 min", "2 days": one unit, rounded down. */
export function span(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const step = STEPS.findIndex(([below]) => whole < below);
  const n = Math.floor(whole / (UNITS[step] ?? 1));
  const [, one, many] = STEPS[step] ?? [0, "s", "s"];
  return `${n} ${n === 1 ? one : many}`;
}

/** Formats for the viewer; `deviceZone` counts where the viewer chose the device's own time. */
export function useFormat(deviceZone?: string | null) {
  const [choice] = useZoneChoice();
  const zone = choice === "utc" ? "UTC" : choice === "device" && deviceZone ? deviceZone : undefined;
  return useMemo(() => formats(zone), [zone]);
}

export type Format = ReturnType<typeof formats>;

function formats(zone: string | undefined) {
  const locale = navigator.language;
  const moment = new Intl.DateTimeFormat(locale, { timeZone: zone, year: "numeric", month: "short", day: "2-digit", hour: "2-digit", minute: "2-digit", hour12: false });
  const exactly = new Intl.DateTimeFormat(locale, { timeZone: zone, dateStyle: "full", timeStyle: "long", hour12: false });
  const day = new Intl.DateTimeFormat(locale, { timeZone: zone, year: "numeric", month: "short", day: "2-digit" });
  const clock = new Intl.DateTimeFormat(locale, { timeZone: zone, hour: "2-digit", minute: "2-digit", hour12: false });
  const number = new Intl.NumberFormat(locale);
  const percent = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 });
  const small = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
  return {
    zone: zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    /** 3 Sep 2026, 14:05 */
    instant: (at: string | number | null | undefined) => (at == null ? "–" : moment.format(new Date(at))),
    /** with weekday, seconds and zone */
    exact: (at: string | number | null | undefined) => (at == null ? "–" : exactly.format(new Date(at))),
    date: (at: string | number | null | undefined) => (at == null ? "–" : day.format(new Date(at))),
    time: (at: string | number | null | undefined) => (at == null ? "–" : clock.format(new Date(at))),
    number: (n: number | null | undefined) => (n == null ? "–" : number.format(n)),
    percent: (share: number | null | undefined) => (share == null ? "–" : percent.format(share)),
    /** 1.4 MB; decimal units, as carriers bill */
    bytes: (n: number | null | undefined) => {
      if (n == null) return "–";
      const power = n < 1000 ? 0 : Math.min(4, Math.floor(Math.log10(n) / 3));
      return `${small.format(n / 1000 ** power)} ${["B", "kB", "MB", "GB", "TB"][power]}`;
    },
    /** an exact decimal from the API with its currency; never through a float for arithmetic */
    money: (amount: string | number | null | undefined, currency: string | null | undefined) =>
      amount == null ? "–" : `${new Intl.NumberFormat(locale, { maximumFractionDigits: 4, minimumFractionDigits: 2 }).format(Number(amount))} ${currency ?? ""}`.trim(),
  };
}

const regions = new Intl.DisplayNames([navigator.language, "en"], { type: "region" });

/** "Germany" for DE, in the viewer's language. */
export function countryName(code: string | null | undefined): string {
  if (!code) return "unknown";
  try {
    return regions.of(code) ?? code;
  } catch {
    return code;
  }
}
