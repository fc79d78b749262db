import { Tooltip } from "@mantine/core";
import { IconArrowsDiff } from "@tabler/icons-react";
import type { Country } from "@/api/queries";
import { countryName } from "@/frame/format";
import { type ChartColours, type Column, CountryLink, Freshness, Trend, wordsOf } from "@/parts";
import css from "./countries.module.css";
import { DaysBar } from "./DaysBar";
import { within } from "./days";
import { STANCES, stanceShade } from "./shades";

export const columns = (colours: ChartColours): Column<Country>[] => [
  {
    id: "country", header: "Country", width: 132, grow: true, sort: (one) => countryName(one.code),
    cell: (one) => (
      <span className={css.clip} title={countryName(one.code)}>
        {one.contradictory && (
          <Tooltip label="Sources contradict each other here; all are shown on the country's page">
            <IconArrowsDiff size={14} className={css.contradictory} aria-label="Contradictory sources:" role="img" />
          </Tooltip>
        )}
        <CountryLink code={one.code} />
      </span>
    ),
  },
  {
    id: "stance", header: "Rules, confidence", width: 198, sort: (one) => String(STANCES.indexOf(one.stance as (typeof STANCES)[number])),
    cell: (one) => {
      const shade = stanceShade(one.stance, one.confidence, colours);
      return (
        <span className={css.stance}>
          <span className={css.swatch} data-hatched={shade.hatched || undefined} style={{ backgroundColor: shade.colour }} aria-hidden />
          {wordsOf(one.stance)}
          {one.behind.length > 0 && <span className="fl-dim">{one.confidence}</span>}
        </span>
      );
    },
  },
  { id: "trend", header: "Trend", width: 116, sort: (one) => one.trend, cell: (one) => (one.behind.length > 0 ? <Trend trend={one.trend} /> : <span className="fl-dim">–</span>) },
  { id: "freshness", header: "Reading", width: 170, hidden: true, sort: (one) => one.freshness, cell: (one) => <Freshness freshness={one.freshness} /> },
  { id: "rules", header: "Rules", width: 64, right: true, hidden: true, sort: (one) => one.rules.length, cell: (one) => one.rules.length },
  { id: "devices", header: "Devices", width: 88, right: true, sort: (one) => one.here.devices, cell: (one) => one.here.devices || <span className="fl-dim">–</span> },
  { id: "roaming", header: "Roaming", width: 80, right: true, hidden: true, sort: (one) => one.here.roaming, cell: (one) => one.here.roaming || <span className="fl-dim">–</span> },
  { id: "days", header: "Days left", width: 112, sort: (one) => within(one.here, 90), cell: (one) => <DaysBar here={one.here} /> },
];
