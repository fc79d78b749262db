// What a line has used, day by day, and how far that is known: a day without a record is a gap, not a zero.
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, ok, type Schemas } from "@/api/client";
import { useFormat } from "@/frame/format";
import { Age, Bars, Empty, Loading, Panel, Problem, StateBadge } from "@/parts";

const DAYS = 62;
const UNITS: readonly [string, number][] = [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]];
type Line = Schemas["UsageShown"];

export function Usage({ iccid }: { iccid: string }) {
  const read = useQuery({ queryKey: ["devices", "usage", iccid], queryFn: () => ok(api.GET("/v1/subscriptions/{ref}/usage", { params: { path: { ref: iccid }, query: { limit: DAYS } } })) });
  return (
    <Panel title="What it used" note={read.data && <Age at={read.data.through} what="Known until" never="never counted" oldAfterS={(read.data.lag_s ?? 0) + 3_600} />}>
      {read.isPending && <Loading what="Reading what it used" />}
      {read.error && <Problem error={read.error} retry={read.refetch} />}
      {read.data && <Days line={read.data} />}
    </Panel>
  );
}

function Days({ line }: { line: Line }) {
  const format = useFormat();
  const { days, final, open, unit } = useMemo(() => daysOf(line), [line]);
  const series = useMemo(
    () => [
      { name: `Final, ${unit}`, values: final, tone: "info" as const },
      { name: `May still be corrected, ${unit}`, values: open, tone: "idle" as const },
    ],
    [final, open, unit],
  );
  if (line.through === null)
    return <Empty title="Nothing is known of what it used">{line.failure ? `Its carrier was asked and did not say: ${line.failure}.` : <>Usage comes from its carrier’s interface, or by file with <code>fairlead import usage</code>.</>}</Empty>;
  const month = line.items.filter((one) => one.day.slice(0, 7) === line.through?.slice(0, 7)).reduce((sum, one) => sum + one.bytes, 0);
  return (
    <>
      {days.length > 0 ? <Bars label={`${unit} a day (UTC)`} height={180} categories={days} series={series} stacked /> : <Empty title="No record in that time">It is known until then, and nothing was counted.</Empty>}
      <p className="fl-dim">
        {format.bytes(month)} in {line.through.slice(0, 7)} ·{" "}
        {line.last_byte_at ? (
          <>
            last byte by <Age at={line.last_byte_at} />
          </>
        ) : (
          "no byte in that time"
        )}{" "}
        · counted by {[...new Set(line.items.map((one) => one.source))].join(", ") || "nobody"}{" "}
        {line.stale && <StateBadge state="stale" tone="warn" label="older than its source lags" hint="What is known ends earlier than the source’s own delay explains" />}
      </p>
    </>
  );
}

/** Every day from the first one shown to the last one known; null where no record says anything. */
function daysOf(line: Line) {
  const known = new Map(line.items.map((one) => [one.day, one]));
  const days: string[] = [];
  const first = line.items.at(-1)?.day;
  const last = line.items[0]?.day;
  if (first && last) for (let at = Date.parse(first); at <= Date.parse(last) && days.length < 400; at += 86_400_000) days.push(new Date(at).toISOString().slice(0, 10));
  const most = Math.max(0, ...line.items.map((one) => one.bytes));
  const [unit, size] = UNITS.find(([, bytes]) => most >= bytes) ?? ["bytes", 1];
  const of = (day: string, final: boolean) => {
    const one = known.get(day);
    return one && one.final === final ? Math.round((one.bytes / size) * 1_000) / 1_000 : null;
  };
  return { unit, days, final: days.map((day) => of(day, true)), open: days.map((day) => of(day, false)) };
}
