// ECharts behind one component: loaded when first needed, coloured by the theme, resized with its box, and always with
// a table beside it for those who do not see it. Tooltips are drawn on the canvas: no HTML is ever made of data.
import { useComputedColorScheme } from "@mantine/core";
import type { EChartsCoreOption, EChartsType } from "echarts/core";
import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { plainNumber } from "@/frame/format";
import { chartColours } from "@/frame/theme";
import css from "./parts.module.css";

export type ChartColours = ReturnType<typeof chartColours>;

interface ChartProps {
  /** What it shows, in a sentence. */
  label: string;
  height: number;
  /** The option, made from the theme's colours. Wrap in `useCallback`. */
  option: (colours: ChartColours) => EChartsCoreOption;
  /** The same figures as rows, read by screen readers: first row is the head. */
  table: (string | number)[][];
  onPick?: (name: string, data: unknown) => void;
  /** Loads shapes before the first drawing. */
  needsWorld?: boolean;
  children?: ReactNode;
}

export function useChartColours(): ChartColours {
  const scheme = useComputedColorScheme("light");
  return useMemo(() => chartColours(scheme), [scheme]);
}

export function Chart({ label, height, option, table, onPick, needsWorld }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<EChartsType | null>(null);
  const pick = useRef(onPick);
  pick.current = onPick;
  const [ready, setReady] = useState(false);
  const colours = useChartColours();

  useEffect(() => {
    let gone = false;
    let watcher: ResizeObserver | undefined;
    void Promise.all([import("./echarts"), needsWorld ? import("./world") : null]).then(([{ init }]) => {
      if (gone || !box.current) return;
      const made = init(box.current, undefined, { renderer: "canvas" });
      made.on("click", (event) => pick.current?.(String(event.name), event.data));
      watcher = new ResizeObserver(() => made.resize());
      watcher.observe(box.current);
      chart.current = made;
      setReady(true);
    });
    return () => {
      gone = true;
      watcher?.disconnect();
      chart.current?.dispose();
      chart.current = null;
    };
  }, [needsWorld]);

  useEffect(() => {
    if (ready) chart.current?.setOption({ animationDuration: 250, ...base(colours), ...option(colours) }, { notMerge: true });
  }, [ready, option, colours]);

  return (
    <div className={css.chart} style={{ height }}>
      <div ref={box} style={{ height: "100%", width: "100%" }} role="img" aria-label={label} />
      {!ready && (
        <span className={css.chartWaits} role="status">
          Drawing {label.charAt(0).toLowerCase() + label.slice(1)}…
        </span>
      )}
      <div className={css.hiddenTable}>
        <table>
          <caption>{label}</caption>
          <tbody>
            {table.map((row, index) => (
              <tr key={index}>{row.map((value, place) => (index === 0 ? <th key={place} scope="col">{value}</th> : <td key={place}>{value}</td>))}</tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

function base(colours: ChartColours): EChartsCoreOption {
  return {
    color: colours.series,
    textStyle: { color: colours.dim, fontFamily: "system-ui, sans-serif", fontSize: 11 },
    tooltip: { renderMode: "richText", confine: true, backgroundColor: colours.panel, borderColor: colours.lineStrong, borderWidth: 1, padding: 8, textStyle: { color: colours.text, fontSize: 12 } },
    grid: { left: 8, right: 12, top: 16, bottom: 4, containLabel: true },
  };
}

/** Axes in the house's style, for bars and lines. */
export function axes(colours: ChartColours, categories: string[], options: { horizontal?: boolean } = {}) {
  const category = { type: "category" as const, data: categories, axisLine: { lineStyle: { color: colours.lineStrong } }, axisTick: { show: false }, axisLabel: { color: colours.dim } };
  const value = { type: "value" as const, splitLine: { lineStyle: { color: colours.line } }, axisLabel: { color: colours.dim, formatter: plainNumber }, minInterval: 1 };
  return options.horizontal ? { xAxis: value, yAxis: { ...category, inverse: true } } : { xAxis: category, yAxis: value };
}
