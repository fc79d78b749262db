// Instants, numbers and bytes as the viewer wants them: zone and country's way of writing by choice. The one place that
// knows how: nothing else of the console makes an `Intl` (tests/architecture/test_console_formats.py).
import { useLocalStorage } from "@mantine/hooks";
import { useMemo } from "react";

export type ZoneChoice = "mine" | "device" | "utc";

export function useZoneChoice() {
  return useLocalStorage<ZoneChoice>({ key: "fairlead-zone", defaultValue: "mine", getInitialValueInEffect: false });
}

/** Ways of writing to choose from; "auto" is the browser's. What is said stays English. */
export const LOCALES = ["en-GB", "en-US", "cs-CZ", "da-DK", "de-CH", "de-DE", "es-ES", "es-MX", "fi-FI", "fr-CA", "fr-FR", "hi-IN", "it-IT", "ja-JP", "ko-KR", "nl-NL", "pl-PL", "pt-BR", "pt-PT", "sv-SE", "tr-TR", "zh-CN"] as const;
const LOCALE_KEY = "fairlead-locale";

export function useLocaleChoice() {
  return useLocalStorage<string>({ key: LOCALE_KEY, defaultValue: "auto", getInitialValueInEffect: false });
}

const localeOf = (choice: string): string => LOCALES.find((one) => one === choice) ?? navigator.language;

/** What a plain function writes in; a screen is drawn anew when the choice changes (frame/Shell.tsx). */
function localeNow(): string {
  try {
    return localeOf(String(JSON.parse(window.localStorage.getItem(LOCALE_KEY) ?? '"auto"')));
  } catch {
    return navigator.language;
  }
}

/** "German (Germany)": a way of writing by its name. */
export const localeName = (tag: string): string => new Intl.DisplayNames(["en"], { type: "language" }).of(tag) ?? tag;

export const myZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

const STEPS: [number, string, string][] = [
  [60, "s", "s"],
  [3_600, "min", "min"],
  [86_400, "h", "h"],
  [86_400 * 60, "day", "days"],
  [86_400 * 730, "month", "months"],
  [Number.POSITIVE_INFINITY, "year", "years"],
];
const UNITS = [1, 60, 3_600, 86_400, 86_400 * 30, 86_400 * 365];

const numbers = new Map<string, Intl.NumberFormat>();
function plain(locale: string): Intl.NumberFormat {
  const made = numbers.get(locale) ?? new Intl.NumberFormat(locale);
  numbers.set(locale, made);
  return made;
}

/** A number where no hook can be: on a chart's axis and in its tooltip. */
export const plainNumber = (n: unknown): string => (typeof n === "number" ? plain(localeNow()).format(n) : String(n ?? "–"));

/** "3 min", "2 days": one unit, rounded down. */
export function span(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const step = STEPS.findIndex(([below]) => whole < below);
  const n = Math.floor(whole / (UNITS[step] ?? 1));
  const [, one, many] = STEPS[step] ?? [0, "s", "s"];
  return `${plain(localeNow()).format(n)} ${n === 1 ? one : many}`;
}

/** Formats for the viewer; `deviceZone` counts where the viewer chose the device's own time. */
export function useFormat(deviceZone?: string | null) {
  const [choice] = useZoneChoice();
  const zone = choice === "utc" ? "UTC" : choice === "device" && deviceZone ? deviceZone : undefined;
  const [wanted] = useLocaleChoice();
  const locale = localeOf(wanted);
  return useMemo(() => formats(zone, locale), [zone, locale]);
}

/** Formats in a zone of its own, whatever the viewer chose: what time it is there. */
export function useFormatIn(zone: string) {
  const [wanted] = useLocaleChoice();
  const locale = localeOf(wanted);
  return useMemo(() => formats(zone, locale), [zone, locale]);
}

export type Format = ReturnType<typeof formats>;

const BYTES = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];

function formats(zone: string | undefined, locale: string) {
  const moment = new Intl.DateTimeFormat(locale, { timeZone: zone, year: "numeric", month: "short", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const exactly = new Intl.DateTimeFormat(locale, { timeZone: zone, dateStyle: "full", timeStyle: "long", hourCycle: "h23" });
  const day = new Intl.DateTimeFormat(locale, { timeZone: zone, year: "numeric", month: "short", day: "2-digit" });
  const clock = new Intl.DateTimeFormat(locale, { timeZone: zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const seconds = new Intl.DateTimeFormat(locale, { timeZone: zone, hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  const monthDay = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", timeZone: "UTC" });
  const number = plain(locale);
  const percent = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 });
  const exactShare = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 3 });
  const money = new Intl.NumberFormat(locale, { maximumFractionDigits: 4, minimumFractionDigits: 2 });
  return {
    zone: zone ?? myZone(),
    /** 3 Sep 2026, 14:05 */
    instant: (at: string | number | null | undefined) => (at == null ? "–" : moment.format(new Date(at))),
    /** with weekday, seconds and zone */
    exact: (at: string | number | null | undefined) => (at == null ? "–" : exactly.format(new Date(at))),
    date: (at: string | number | null | undefined) => (at == null ? "–" : day.format(new Date(at))),
    time: (at: string | number | null | undefined) => (at == null ? "–" : clock.format(new Date(at))),
    /** 14:05:09 */
    second: (at: string | number) => seconds.format(new Date(at)),
    /** 3 Sep, of a day that is told in UTC */
    monthDay: (at: string | number) => monthDay.format(new Date(at)),
    number: (n: number | null | undefined) => (n == null ? "–" : number.format(n)),
    percent: (share: number | null | undefined) => (share == null ? "–" : percent.format(share)),
    /** to three digits and never rounded up: 99.9996 % is not 100 % */
    share: (share: number | null | undefined) => (share == null ? "–" : exactShare.format(Math.floor(share * 100_000 + 1e-6) / 100_000)),
    /** 1.4 MB; decimal units, as carriers bill */
    bytes: (n: number | null | undefined) => {
      if (n == null) return "–";
      const power = n < 1000 ? 0 : Math.min(4, Math.floor(Math.log10(n) / 3));
      return new Intl.NumberFormat(locale, { style: "unit", unit: BYTES[power], unitDisplay: power === 0 ? "long" : "short", maximumFractionDigits: 1 }).format(n / 1000 ** power);
    },
    /** an exact decimal from the API with its currency; never through a float for arithmetic */
    money: (amount: string | number | null | undefined, currency: string | null | undefined) =>
      amount == null ? "–" : `${money.format(Number(amount))} ${currency ?? ""}`.trim(),
  };
}

const regions = new Map<string, Intl.DisplayNames>();


/** "Germany" for DE, in the viewer's language. */
export function countryName(code: string | null | undefined): string {
  if (!code) return "unknown";
  const locale = localeNow();
  const names = regions.get(locale) ?? new Intl.DisplayNames([locale, "en"], { type: "region" });
  regions.set(locale, names);
  try {
    return names.of(code) ?? code;
  } catch {
    return code;
  }
}
