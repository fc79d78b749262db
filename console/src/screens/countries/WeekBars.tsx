// Breaches by week, stacked by country: shades of one colour, since no country is better than another.
import { useCallback } from "react";
import { plainNumber } from "@/frame/format";
import { axes, Chart, type ChartColours } from "@/parts";
import type { Weeks } from "./weeks";

interface Props {
  made: Weeks;
  height: number;
  /** With fewer words, for a card. */
  small?: boolean;
  onPick?: (monday: number) => void;
}

export function WeekBars({ made, height, small, onPick }: Props) {
  const option = useCallback(
    (colours: ChartColours) => ({
      ...axes(colours, made.labels),
      ...(small ? { yAxis: { type: "value", show: false, minInterval: 1 } } : {}),
      tooltip: { trigger: "axis", valueFormatter: plainNumber, axisPointer: { type: "shadow" }, renderMode: "richText", confine: true, backgroundColor: colours.panel, borderColor: colours.lineStrong, borderWidth: 1, padding: 8, textStyle: { color: colours.text, fontSize: 12 } },
      legend: small || made.series.length < 2 ? undefined : { top: 0, right: 0, itemWidth: 10, itemHeight: 10, textStyle: { color: colours.dim } },
      grid: small ? { left: 2, right: 2, top: 4, bottom: 2, containLabel: true } : { left: 8, right: 12, top: made.series.length < 2 ? 12 : 30, bottom: 4, containLabel: true },
      series: made.series.map((one, index) => ({ name: one.name, type: "bar", stack: "all", data: one.values, barMaxWidth: 26, itemStyle: { color: one.rest ? colours.idle : colours.ramp[4 - index] } })),
    }),
    [made, small],
  );
  const table = [["Week", ...made.series.map((one) => one.name)], ...made.labels.map((label, index) => [label, ...made.series.map((one) => one.values[index] ?? 0)])];
  const pick = onPick && ((name: string) => {
    const monday = made.mondays[made.labels.indexOf(name)];
    if (monday !== undefined) onPick(monday);
  });
  return <Chart label="Breaches by week" height={height} option={option} table={table} onPick={pick} />;
}
