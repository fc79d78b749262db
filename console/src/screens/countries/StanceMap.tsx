// The world by stance, by trend, or by the clocks of my devices; a click opens the country.
import { useCallback } from "react";
import type { Country } from "@/api/queries";
import { countryName, useFormat } from "@/frame/format";
import { Chart, type ChartColours, useChartColours, wordsOf } from "@/parts";
import css from "./countries.module.css";
import { BUCKETS, soonest } from "./days";
import { mixed, type Shade, type Stance, STANCES, stanceShade, trendShade } from "./shades";

export type View = "stance" | "trend" | "clocks";

interface Props {
  view: View;
  all: Country[];
  shown: ReadonlySet<string>;
  height: number;
  onPick: (code: string) => void;
  stance: Stance | undefined;
  onStance: (stance: Stance | undefined) => void;
}

function clockShade(one: Country, colours: ChartColours): Shade | null {
  const found = one.here.devices ? soonest(one.here) : undefined;
  if (!found) return null;
  if (found.key === "no_clock") return { colour: mixed(colours.idle, colours.panel, 0.4), hatched: one.stance === "unknown" };
  return { colour: found.solid || found.tone !== "bad" ? colours[found.tone] : mixed(colours.bad, colours.panel, 0.6), hatched: false };
}

export function StanceMap({ view, all, shown, height, onPick, stance, onStance }: Props) {
  const format = useFormat();
  const option = useCallback(
    (colours: ChartColours) => {
      const hatch = { symbol: "rect", symbolSize: 1, dashArrayX: [1, 0], dashArrayY: [1.2, 4], rotation: -Math.PI / 4, color: mixed(colours.idle, colours.panel, 0.55) };
      const shade = (one: Country) => (view === "trend" ? trendShade(one.trend, colours) : view === "clocks" ? clockShade(one, colours) : stanceShade(one.stance, one.confidence, colours));
      return {
        tooltip: {
          trigger: "item", renderMode: "richText", confine: true, backgroundColor: colours.panel, borderColor: colours.lineStrong, borderWidth: 1, padding: 8, textStyle: { color: colours.text, fontSize: 12 },
          formatter: (item: { name: string; data?: { country?: Country } }) => {
            const one = item.data?.country;
            return one ? [countryName(one.code), ...lines(one, format.number)].join("\n") : countryName(item.name.length === 2 ? item.name : "");
          },
        },
        series: [
          {
            type: "map", map: "world", roam: false, selectedMode: false, top: 6, bottom: 6, left: 6, right: 6, preserveAspect: true, aspectScale: 0.82, boundingCoords: [[-180, 76], [180, -54]],
            itemStyle: { areaColor: colours.sunken, borderColor: colours.lineStrong, borderWidth: 0.5 },
            emphasis: { label: { show: false }, itemStyle: { borderColor: colours.text, borderWidth: 1.2 } },
            label: { show: false },
            data: all.map((country) => {
              const found = shown.has(country.code) ? shade(country) : null;
              return {
                name: country.code, country, value: country.here.devices,
                itemStyle: found ? { areaColor: found.colour, ...(found.hatched ? { decal: hatch } : {}) } : { areaColor: colours.page },
                emphasis: { itemStyle: { areaColor: found?.colour ?? colours.page } },
              };
            }),
          },
        ],
      };
    },
    [view, all, shown, format],
  );
  const label = view === "stance" ? "Countries by stance on permanent roaming" : view === "trend" ? "Countries by where their rules move" : "My devices by the soonest roaming clock of a country";
  const table = [["Country", "Stance", "Confidence", "Trend", "Devices"], ...all.filter((one) => shown.has(one.code) && (one.behind.length > 0 || one.here.devices)).map((one) => [countryName(one.code), wordsOf(one.stance), one.confidence, one.trend, one.here.devices ?? 0])];
  return (
    <>
      <Chart label={label} height={height} option={option} table={table} onPick={(name) => name.length === 2 && onPick(name)} needsWorld />
      <Legend view={view} all={all} stance={stance} onStance={onStance} />
    </>
  );
}

function lines(one: Country, number: (n: number | undefined) => string): string[] {
  const clocks = BUCKETS.filter(({ key }) => key !== "no_clock" && (one.here[key] ?? 0) > 0).map(({ key, name }) => `${number(one.here[key])} ${name}`);
  return [
    `${wordsOf(one.stance)}${one.behind.length > 0 ? `, confidence ${one.confidence}` : ": nobody has read a rule"}`,
    ...(one.behind.length > 0 ? [`trend ${one.trend === "unknown" ? "not known" : one.trend}`] : []),
    ...(one.contradictory ? ["sources contradict each other"] : []),
    `${number(one.here.devices)} devices${clocks.length > 0 ? `: ${clocks.join(", ")}` : ""}`,
  ];
}

function Legend({ view, all, stance, onStance }: { view: View; all: Country[]; stance: Stance | undefined; onStance: (stance: Stance | undefined) => void }) {
  const colours = useChartColours();
  const format = useFormat();
  const swatch = (shade: Shade) => <span className={css.swatch} data-hatched={shade.hatched || undefined} style={{ backgroundColor: shade.colour }} aria-hidden />;
  if (view === "stance")
    return (
      <div className={css.legend}>
        {STANCES.map((one) => (
          <button key={one} type="button" aria-pressed={stance === one} onClick={() => onStance(stance === one ? undefined : one)}>
            {swatch(stanceShade(one, "high", colours))}
            {wordsOf(one)} <b>{format.number(all.filter((country) => country.stance === one).length)}</b>
          </button>
        ))}
        <span className={css.legendNote}>
          confidence
          {(["high", "medium", "low"] as const).map((one) => (
            <span key={one}>
              {swatch(stanceShade("prohibited", one, colours))}
              {one}
            </span>
          ))}
        </span>
      </div>
    );
  if (view === "trend")
    return (
      <div className={css.legend}>
        {["tightening", "stable", "loosening", "unknown"].map((one) => (
          <span key={one}>
            {swatch(trendShade(one, colours))}
            {one === "unknown" ? "not known" : one} <b>{format.number(all.filter((country) => country.trend === one).length)}</b>
          </span>
        ))}
      </div>
    );
  return (
    <div className={css.legend}>
      {BUCKETS.filter(({ key }) => key !== "later").map(({ key, name, tone, solid }) => (
        <span key={key}>
          {swatch({ colour: key === "no_clock" ? mixed(colours.idle, colours.panel, 0.4) : solid || tone !== "bad" ? colours[tone] : mixed(colours.bad, colours.panel, 0.6), hatched: false })}
          {name}
        </span>
      ))}
      <span className={css.legendNote}>by the soonest clock there</span>
    </div>
  );
}
