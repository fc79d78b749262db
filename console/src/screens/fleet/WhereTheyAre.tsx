// The world by country: how many devices, and how many of them run against a roaming clock. Beside it the same as
// lists, for countries too small to see and people who do not use a mouse.
import { ScrollArea, SegmentedControl, UnstyledButton } from "@mantine/core";
import { useMemo, useState } from "react";
import { useHouseNow } from "@/api/clock";
import { type Country, usePresentCountries } from "@/api/queries";
import { countryName, type Format, useFormat } from "@/frame/format";
import type { Tone } from "@/frame/theme";
import { Loading, Panel, Problem, WorldMap, wordsOf } from "@/parts";
import css from "./fleet.module.css";

type View = "devices" | "risk";

interface Props {
  selected: string | undefined;
  onPick: (code: string) => void;
  before: string | undefined;
  onBefore: (before: string | undefined) => void;
}

function risk(country: Country, number: Format["number"]): { tone: Tone; words: string; urgent: boolean } {
  const { breached, within_7, within_30, within_90 } = country.here;
  if (breached > 0) return { tone: "bad", words: `${number(breached)} over the limit`, urgent: true };
  if (within_7 > 0) return { tone: "bad", words: `${number(within_7)} within 7 days`, urgent: true };
  if (within_30 > 0) return { tone: "warn", words: `${number(within_30)} within 30 days`, urgent: true };
  if (within_90 > 0) return { tone: "info", words: `${number(within_90)} within 90 days`, urgent: true };
  return { tone: "idle", words: "no clock running out", urgent: false };
}

export function WhereTheyAre({ selected, onPick, before, onBefore }: Props) {
  const found = usePresentCountries();
  const format = useFormat();
  const [view, setView] = useState<View>("devices");
  const countries = useMemo(() => (found.data?.items ?? []).filter((one) => one.here.devices > 0).sort((a, b) => b.here.devices - a.here.devices), [found.data]);
  const onMap = useMemo(
    () =>
      countries.map((one) => {
        const { tone, words } = risk(one, format.number);
        return { code: one.code, value: one.here.devices, tone: view === "risk" ? tone : undefined, lines: [`${format.number(one.here.roaming)} roaming`, words, `rules: ${wordsOf(one.stance)}`] };
      }),
    [countries, view, format],
  );

  return (
    <Panel
      title="Where they are"
      note={view === "risk" ? "coloured by the soonest roaming clock · not legal advice" : "shaded by number of devices · not legal advice"}
      flush
      right={<SegmentedControl size="xs" aria-label="What the map shows" value={view} onChange={(value) => setView(value as View)} data={[{ value: "devices", label: "Devices" }, { value: "risk", label: "Roaming risk" }]} />}
    >
      {found.error ? (
        <div className={css.pad}>
          <Problem error={found.error} retry={found.refetch} />
        </div>
      ) : (
        <div className={css.where}>
          <WorldMap label="Devices by country" height={232} countries={onMap} noun="devices" selected={selected} onPick={onPick} />
          <Clocks countries={countries} before={before} onBefore={onBefore} />
          <ScrollArea.Autosize mah={232} className={css.lands} type="auto">
            <div className={css.caption}>Countries</div>
            {found.isPending && (
              <div className={css.pad}>
                <Loading what="Reading countries" />
              </div>
            )}
            {countries.map((one) => {
              const { tone, words, urgent } = risk(one, format.number);
              return (
                <UnstyledButton key={one.code} className={css.land} aria-pressed={one.code === selected} onClick={() => onPick(one.code)}>
                  <span className={css.landName}>{countryName(one.code)}</span>
                  {urgent && (
                    <span className={css.landRisk} style={{ color: `var(--fl-${tone}-text)` }}>
                      {words}
                    </span>
                  )}
                  <span className={css.landCount}>{format.number(one.here.devices)}</span>
                </UnstyledButton>
              );
            })}
          </ScrollArea.Autosize>
        </div>
      )}
    </Panel>
  );
}

const DAY = 86_400_000;
const RANGES: { name: string; tone: Tone; days: number; of: (keyof Country["here"])[] }[] = [
  { name: "Already", tone: "bad", days: 0, of: ["breached"] },
  { name: "Within 7 days", tone: "bad", days: 7, of: ["breached", "within_7"] },
  { name: "Within 30 days", tone: "warn", days: 30, of: ["breached", "within_7", "within_30"] },
  { name: "Within 90 days", tone: "info", days: 90, of: ["breached", "within_7", "within_30", "within_90"] },
];

/** Devices whose roaming clock runs out by then; a click lists them. */
function Clocks({ countries, before, onBefore }: { countries: Country[]; before: string | undefined; onBefore: (before: string | undefined) => void }) {
  const now = useHouseNow();
  const format = useFormat();
  const sum = (of: (keyof Country["here"])[]) => countries.reduce((all, one) => all + of.reduce((here, key) => here + (one.here[key] ?? 0), 0), 0);
  const most = Math.max(1, sum(["breached", "within_7", "within_30", "within_90", "later"]));
  return (
    <div className={css.clocks}>
      <div className={css.caption}>Roaming clock runs out</div>
      {RANGES.map(({ name, tone, days, of }) => {
        const n = sum(of);
        return (
          <UnstyledButton key={name} className={css.land} onClick={() => onBefore(before ? undefined : `${new Date(now + days * DAY).toISOString().slice(0, 19)}Z`)}>
            <span className={css.bar} style={{ width: `${(100 * n) / most}%`, background: `var(--fl-${tone}-soft)` }} aria-hidden />
            <span className={css.landName}>{name}</span>
            <span className={css.landCount} style={n > 0 ? { color: `var(--fl-${tone}-text)`, fontWeight: 600 } : undefined}>
              {format.number(n)}
            </span>
          </UnstyledButton>
        );
      })}
      <div className={css.land}>
        <span className={css.landName}>Later</span>
        <span className={css.landCount}>{format.number(sum(["later"]))}</span>
      </div>
      <div className={css.land}>
        <span className={css.landName}>No clock runs</span>
        <span className={css.landCount}>{format.number(sum(["no_clock"]))}</span>
      </div>
    </div>
  );
}
