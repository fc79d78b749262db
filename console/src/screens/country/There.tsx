// My devices in a country by days left; each row lists them in the fleet.
import { Link } from "@tanstack/react-router";
import { useHouseNow } from "@/api/clock";
import { useFormat } from "@/frame/format";
import { Empty, Panel, TextLink } from "@/parts";
import { DaysBar } from "../countries/DaysBar";
import { BUCKETS, type There as Load, within } from "../countries/days";
import css from "./country.module.css";

export function There({ code, here }: { code: string; here: Load }) {
  const format = useFormat();
  const now = useHouseNow();
  const devices = here.devices ?? 0;
  if (devices === 0)
    return (
      <Panel title="My devices there">
        <Empty title="None of my devices is there">A device is where its newest presence says: from a carrier, from RADIUS, or from the device itself.</Empty>
      </Panel>
    );
  const before = (days: number) => `${new Date(now + days * 86_400_000).toISOString().slice(0, 19)}Z`;
  return (
    <Panel title="My devices there" note={`${format.number(here.roaming)} roaming`} right={<TextLink fz="xs" to="/fleet" search={{ country: code }}>{format.number(devices)} devices in the fleet</TextLink>}>
      <DaysBar here={here} thick />
      <ul className={css.buckets}>
        {BUCKETS.map(({ key, name, tone, days }) => {
          const n = here[key] ?? 0;
          const body = (
            <>
              <span className={css.dot} style={{ background: key === "no_clock" ? "var(--fl-line-strong)" : `var(--fl-${tone})` }} aria-hidden />
              <span>{name}</span>
              <b>{format.number(n)}</b>
            </>
          );
          return (
            <li key={key}>
              {days !== undefined && n > 0 ? (
                <Link to="/fleet" search={{ country: code, breach_before: before(days) }} title={`List all ${within(here, days)} whose clock has run out by then`}>
                  {body}
                </Link>
              ) : (
                <span>{body}</span>
              )}
            </li>
          );
        })}
      </ul>
      <p className={css.note}>If each stays where it is, on the SIM it uses now. Not legal advice.</p>
    </Panel>
  );
}
