// The three kinds of drawing: bars over categories, the world by country, a graph of things and their ties.
import { plainNumber } from "@/frame/format";
import { useCallback } from "react";
import { countryName, useFormat } from "@/frame/format";
import type { Tone } from "@/frame/theme";
import { axes, Chart, type ChartColours } from "./Chart";

export interface Series {
  name: string;
  values: (number | null)[];
  tone?: Tone;
  kind?: "bar" | "line";
}

interface BarsProps {
  label: string;
  height?: number;
  categories: string[];
  series: Series[];
  stacked?: boolean;
  horizontal?: boolean;
  onPick?: (category: string) => void;
}

export function Bars({ label, height = 220, categories, series, stacked, horizontal, onPick }: BarsProps) {
  const option = useCallback(
    (colours: ChartColours) => ({
      ...axes(colours, categories, { horizontal }),
      tooltip: { trigger: "axis", valueFormatter: plainNumber, axisPointer: { type: "shadow" }, renderMode: "richText", confine: true, backgroundColor: colours.panel, borderColor: colours.lineStrong, borderWidth: 1, padding: 8, textStyle: { color: colours.text, fontSize: 12 } },
      legend: series.length > 1 ? { top: 0, right: 0, itemWidth: 10, itemHeight: 10, textStyle: { color: colours.dim } } : undefined,
      grid: { left: 8, right: 12, top: series.length > 1 ? 30 : 12, bottom: 4, containLabel: true },
      series: series.map((one) => ({
        name: one.name,
        type: one.kind ?? "bar",
        stack: stacked ? "all" : undefined,
        data: one.values,
        barMaxWidth: 26,
        showSymbol: false,
        itemStyle: one.tone ? { color: colours[one.tone] } : undefined,
        lineStyle: one.tone ? { color: colours[one.tone], width: 2 } : { width: 2 },
      })),
    }),
    [categories, series, stacked, horizontal],
  );
  const table = [["", ...series.map((one) => one.name)], ...categories.map((name, index) => [name, ...series.map((one) => one.values[index] ?? "–")])];
  return <Chart label={label} height={height} option={option} table={table} onPick={onPick} />;
}

export interface CountryValue {
  code: string;
  value: number;
  /** Its own colour by meaning; without it, the ramp by value. */
  tone?: Tone;
  /** Lines of the tooltip after the name. */
  lines?: string[];
}

interface WorldProps {
  label: string;
  height?: number;
  countries: CountryValue[];
  /** What `value` counts: "devices". */
  noun: string;
  selected?: string;
  onPick?: (code: string) => void;
}

export function WorldMap({ label, height = 300, countries, noun, selected, onPick }: WorldProps) {
  const format = useFormat();
  const option = useCallback(
    (colours: ChartColours) => {
      const most = Math.max(1, ...countries.map((one) => one.value));
      const shade = (one: CountryValue) => (one.tone ? colours[one.tone] : colours.ramp[Math.min(4, Math.floor(Math.sqrt(one.value / most) * 4.999))]);
      return {
        tooltip: {
          trigger: "item", renderMode: "richText", confine: true, backgroundColor: colours.panel, borderColor: colours.lineStrong, borderWidth: 1, padding: 8, textStyle: { color: colours.text, fontSize: 12 },
          formatter: (item: { name: string; data?: CountryValue }) =>
            item.data ? [`${countryName(item.name)}`, `${format.number(item.data.value)} ${noun}`, ...(item.data.lines ?? [])].join("\n") : countryName(item.name.length === 2 ? item.name : ""),
        },
        series: [
          {
            type: "map", map: "world", roam: false, selectedMode: false, top: 8, bottom: 8, left: 8, right: 8, preserveAspect: true, aspectScale: 0.82, boundingCoords: [[-180, 76], [180, -54]],
            itemStyle: { areaColor: colours.sunken, borderColor: colours.lineStrong, borderWidth: 0.5 },
            emphasis: { label: { show: false }, itemStyle: { areaColor: colours.info } },
            label: { show: false },
            data: countries.map((one) => ({
              ...one, name: one.code,
              itemStyle: { areaColor: shade(one), borderColor: one.code === selected ? colours.text : colours.panel, borderWidth: one.code === selected ? 2 : 0.5 },
            })),
          },
        ],
      };
    },
    [countries, noun, selected, format],
  );
  const table = [["Country", noun], ...countries.map((one) => [countryName(one.code), one.value])];
  return <Chart label={label} height={height} option={option} table={table} onPick={onPick && ((name) => name.length === 2 && onPick(name))} needsWorld />;
}

export interface Node {
  id: string;
  name: string;
  tone?: Tone;
  size?: number;
}

interface GraphProps {
  label: string;
  height?: number;
  nodes: Node[];
  ties: { from: string; to: string; name?: string }[];
  onPick?: (id: string) => void;
}

export function Graph({ label, height = 320, nodes, ties, onPick }: GraphProps) {
  const option = useCallback(
    (colours: ChartColours) => ({
      series: [
        {
          type: "graph", layout: "force", roam: true, force: { repulsion: 220, edgeLength: 90 }, edgeSymbol: ["none", "arrow"], edgeSymbolSize: 6,
          label: { show: true, position: "bottom", color: colours.text, fontSize: 11 },
          lineStyle: { color: colours.lineStrong },
          data: nodes.map((one) => ({ id: one.id, name: one.name, symbolSize: one.size ?? 16, itemStyle: { color: colours[one.tone ?? "info"] } })),
          links: ties.map((one) => ({ source: one.from, target: one.to, label: one.name ? { show: true, formatter: one.name, color: colours.dim, fontSize: 10 } : undefined })),
        },
      ],
    }),
    [nodes, ties],
  );
  const names = new Map(nodes.map((one) => [one.id, one.name]));
  const table = [["From", "To", ""], ...ties.map((one) => [names.get(one.from) ?? one.from, names.get(one.to) ?? one.to, one.name ?? ""])];
  return <Chart label={label} height={height} option={option} table={table} onPick={onPick && ((_, data) => onPick(String((data as { id?: string } | undefined)?.id ?? "")))} />;
}
