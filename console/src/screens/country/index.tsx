// One country: what it says, how sure and how old that is, who of mine is there and for how long, which way in is
// recommended, chosen and taken, and every rule with its sources. Contradictions stand side by side.
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { api, ok } from "@/api/queries";
import { countryName, useFormatIn } from "@/frame/format";
import { useHouseNow } from "@/api/clock";
import { Facts, Freshness, Loading, Panel, Problem, Screen, StateBadge, TextLink, Trend, wordsOf } from "@/parts";
import { Forecast } from "../countries/Forecast";
import css from "./country.module.css";
import { Rules } from "./Rules";
import { There } from "./There";
import { WayIn } from "./WayIn";

const MEANS: Record<string, string> = {
  prohibited: "Foreign SIMs may not stay.",
  restricted: "Foreign SIMs may stay only for a time, or under narrow terms.",
  conditional: "Foreign SIMs may stay if conditions are met.",
  carrier_policy: "Carriers' terms limit it, no law was found to.",
  permissive: "Somebody looked, and found no limit.",
  unknown: "Nobody has found a rule. That is a warning, never a permission.",
};

export default function CountryScreen() {
  const { code: typed } = useParams({ from: "/inside/countries/$code" });
  const code = typed.toUpperCase();
  const found = useQuery({ queryKey: ["countries", "one", code], queryFn: () => ok(api.GET("/v1/countries/{code}", { params: { path: { code } } })) });
  const name = /^[A-Z]{2}$/.test(code) ? countryName(code) : code;
  if (found.isPending)
    return (
      <Screen title={name}>
        <Loading what={`Reading ${name}`} />
      </Screen>
    );
  if (found.error)
    return (
      <Screen title={name}>
        <Panel>
          <Problem error={found.error} retry={found.refetch} />
        </Panel>
      </Screen>
    );
  const one = found.data;
  return (
    <Screen
      title={countryName(one.code)}
      beside={
        <>
          <StateBadge state={one.stance} tone={one.stance === "unknown" ? "warn" : undefined} hint={MEANS[one.stance]} />
          {one.contradictory && <StateBadge state="contradictory" label="sources contradict each other" tone="warn" />}
        </>
      }
      subtitle={one.notice}
      actions={<TextLink fz="sm" to="/countries">All countries</TextLink>}
    >
      <div className={css.top}>
        <Panel title="Permanent roaming" note="not legal advice">
          <p style={{ margin: "0 0 0.625rem" }}>{MEANS[one.stance] ?? wordsOf(one.stance)}</p>
          <Facts
            items={[
              ["Stance", wordsOf(one.stance)],
              ["Confidence", one.behind.length > 0 ? one.confidence : "none: no rule was found"],
              ["Trend", <Trend key="trend" trend={one.trend} />],
              ["Reading", <Freshness key="reading" freshness={one.freshness} />],
              ["Rules behind it", one.behind.length > 0 ? one.behind.map((id) => <div key={id}><a href={`#${id}`} style={{ color: "var(--mantine-color-anchor)" }}>{id}</a></div>) : "none was found"],
              ["Days are counted in", <LocalTime key="zone" zone={one.zone} />],
            ]}
          />
        </Panel>
        <There code={one.code} here={one.here} />
        <WayIn country={one} />
      </div>
      {(one.here.devices ?? 0) > 0 && <Forecast weeks={26} country={one.code} height={170} />}
      <Rules country={one} />
    </Screen>
  );
}

/** The zone whose calendar days count, and what time it is there by the house's clock. */
function LocalTime({ zone }: { zone: string }) {
  const now = useHouseNow();
  const there = useFormatIn(zone).instant(now);
  return (
    <>
      {zone} <span className="fl-dim">({there} there)</span>
    </>
  );
}
