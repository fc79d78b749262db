// The world by country: how many devices, and how many of them run against a roaming clock. Beside it the same as a
// list, for countries too small to see and people who do not use a mouse.
import { Loader, ScrollArea, SegmentedControl, UnstyledButton } from "@mantine/core";
import { useMemo, useState } from "react";
import { type Country, usePresentCountries } from "@/api/queries";
import { countryName, useFormat } from "@/frame/format";
import type { Tone } from "@/frame/theme";
import { Panel, Problem, WorldMap } from "@/parts";
import css from "./fleet.module.css";

type View = "devices" | "risk";

function risk(country: Country): { tone: Tone; words: string; urgent: number } {
  const { breached, within_7, within_30, within_90 } = country.here;
  if (breached > 0) return { tone: "bad", words: `${breached} over the limit`, urgent: breached };
  if (within_7 > 0) return { tone: "bad", words: `${within_7} within 7 days`, urgent: within_7 };
  if (within_30 > 0) return { tone: "warn", words: `${within_30} within 30 days`, urgent: within_30 };
  if (within_90 > 0) return { tone: "info", words: `${within_90} within 90 days`, urgent: within_90 };
  return { tone: "idle", words: "no clock running out", urgent: 0 };
}

export function WhereTheyAre({ selected, onPick }: { selected: string | undefined; onPick: (code: string) => void }) {
  const found = usePresentCountries();
  const format = useFormat();
  const [view, setView] = useState<View>("devices");
  const countries = useMemo(() => (found.data?.items ?? []).filter((one) => one.here.devices > 0).sort((a, b) => b.here.devices - a.here.devices), [found.data]);
  const onMap = useMemo(
    () =>
      countries.map((one) => {
        const { tone, words } = risk(one);
        return { code: one.code, value: one.here.devices, tone: view === "risk" ? tone : undefined, lines: [`${format.number(one.here.roaming)} roaming`, words, `rules: ${one.stance.replaceAll("_", " ")}`] };
      }),
    [countries, view, format],
  );

  return (
    <Panel
      title="Where they are"
      note={view === "risk" ? "coloured by the soonest roaming clock · not legal advice" : "shaded by number of devices"}
      flush
      right={<SegmentedControl size="xs" aria-label="What the map shows" value={view} onChange={(value) => setView(value as View)} data={[{ value: "devices", label: "Devices" }, { value: "risk", label: "Roaming risk" }]} />}
    >
      {found.error ? (
        <div className={css.pad}>
          <Problem error={found.error} retry={found.refetch} />
        </div>
      ) : (
        <div className={css.where}>
          <WorldMap label="Devices by country" height={236} countries={onMap} noun="devices" selected={selected} onPick={onPick} />
          <ScrollArea.Autosize mah={236} className={css.lands} type="auto">
            {found.isPending && (
              <div className={css.pad} role="status">
                <Loader size="xs" aria-hidden /> Reading countries…
              </div>
            )}
            {countries.map((one) => {
              const { tone, words, urgent } = risk(one);
              return (
                <UnstyledButton key={one.code} className={css.land} aria-pressed={one.code === selected} onClick={() => onPick(one.code)} title={words}>
                  <span className={css.landName}>{countryName(one.code)}</span>
                  {urgent > 0 && (
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
