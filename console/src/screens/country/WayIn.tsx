// The way in: what reference tables recommend, what kept strategies choose, and how my devices come in today.
import type { Schemas } from "@/api/client";
import { useFormat } from "@/frame/format";
import { Panel, StateBadge, TextLink, wordsOf } from "@/parts";
import css from "./country.module.css";

type Details = Schemas["CountryDetails"];

const GROUND: Record<string, string> = { law: "the law decides", country: "a line for this country decides", region: "a line for its region decides", tier: "a tier decides" };

export function WayIn({ country }: { country: Details }) {
  const format = useFormat();
  const { recommended, chosen, actual } = country;
  const known = (actual.roaming ?? 0) + (actual.local ?? 0);
  return (
    <Panel title="The way in" note="recommended, chosen, taken">
      <section className={css.way}>
        <h3>Recommended</h3>
        {recommended.length === 0 && <p className="fl-dim">No reference table names this country.</p>}
        {recommended.map((one) => (
          <div key={`${one.table}${one.names}`}>
            <b>{one.names}:</b> {one.says}
            {one.note && <> <span className="fl-dim">{one.note}</span></>}
            <div className={css.note}>
              {one.source}, {format.date(one.date)}
            </div>
          </div>
        ))}
      </section>
      <section className={css.way}>
        <h3>Chosen</h3>
        {chosen === null && <p className="fl-dim">To see what strategies choose you need the permission policies.read.</p>}
        {chosen?.length === 0 && (
          <p className="fl-dim">
            No strategy is kept yet. A <code>Strategy</code> says where a local profile, multi-IMSI or roaming is used.
          </p>
        )}
        {chosen?.map((one) => (
          <div key={one.strategy}>
            <b>{one.use ? wordsOf(one.use.replaceAll("-", " ")) : "nothing: no tier holds"}</b> by <TextLink fz="inherit" inherit underline="always" to="/policies/$kind/$name" params={{ kind: "Strategy", name: one.strategy }}>{one.strategy}</TextLink>
            <div className={css.note}>
              {one.reason}
              {one.ground && ` (${GROUND[one.ground] ?? one.ground})`}
            </div>
          </div>
        ))}
      </section>
      <section className={css.way}>
        <h3>Taken today</h3>
        {actual.devices === 0 && <p className="fl-dim">None of my devices is there.</p>}
        {actual.devices > 0 && (
          <>
            <span className={css.share} role="img" aria-label={`${actual.local} on a local SIM, ${actual.roaming} roaming, ${actual.unknown} not known`}>
              <span style={{ flexGrow: actual.local, background: "var(--fl-ok)" }} />
              <span style={{ flexGrow: actual.roaming, background: "var(--fl-warn)" }} />
              <span style={{ flexGrow: actual.unknown, background: "var(--fl-line-strong)" }} />
            </span>
            <span className="fl-row">
              <StateBadge state="" tone="ok" plain label={`${format.number(actual.local)} on a local SIM`} />
              <StateBadge state="" tone="warn" plain label={`${format.number(actual.roaming)} roaming`} />
              {actual.unknown > 0 && <StateBadge state={null} plain label={`${format.number(actual.unknown)} not known`} />}
            </span>
            {known > 0 && <div className={css.note}>{format.percent(actual.roaming_share)} of those of which it is known roam.</div>}
          </>
        )}
      </section>
    </Panel>
  );
}
