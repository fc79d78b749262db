// The parts of a carrier account, as a card and as a page show them.
import { Tooltip } from "@mantine/core";
import { IconCheck, IconX } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { Schemas } from "@/api/client";
import { span, useFormat } from "@/frame/format";
import { useHouseNow } from "@/api/clock";
import { Age, Instant, StateBadge, toneOf, wordsOf } from "@/parts";
import css from "./carrier.module.css";

export type Account = Schemas["AccountShown"];

/** Fresh, stale or failing; "no interface" where nobody can ask. */
export function Fresh({ account }: { account: Account }) {
  const now = useHouseNow();
  if (account.fresh === null) return <StateBadge state="no interface" tone="idle" hint="Its SIMs come by import, and its subscriptions are changed by people" />;
  if (account.failing_since) return <StateBadge state="failing" tone="bad" hint={account.failure ?? "The carrier does not answer"} />;
  if (paused(account, now)) return <StateBadge state="left in peace" tone="warn" hint={`Nothing of it is called for now: ${because(account)}`} />;
  if (account.fresh) return <StateBadge state="fresh" tone="ok" hint="Read completely within a day" />;
  return <StateBadge state={account.swept_at ? "stale" : "never read"} tone="warn" hint="It has not been read completely within a day" />;
}

const BECAUSE: Record<string, string> = {
  rate_limited: "it was asked too fast",
  provider_unavailable: "it could not be reached",
  busy: "it said that it is busy",
  unauthenticated: "it did not take the credential",
  forbidden: "the credential may not do this",
  not_found: "there is nothing to call it with",
};
const paused = (account: Account, now: number) => account.paused_until !== null && Date.parse(account.paused_until) > now;
const because = (account: Account) => (account.paused_because ? (BECAUSE[account.paused_because] ?? wordsOf(account.paused_because)) : "the reason was not kept");

/** How long nobody calls it, and why; nothing where it may be called. */
export function Peace({ account }: { account: Account }) {
  const now = useHouseNow();
  if (!paused(account, now)) return null;
  return (
    <span className={css.peace} role="status">
      left in peace until <Instant at={account.paused_until} />, because {because(account)}: what waits for it is sent afterwards
    </span>
  );
}

export function Sweep({ account }: { account: Account }) {
  if (account.connector === "none") return <span className="fl-dim">nothing is read: it has no connector</span>;
  return (
    <span>
      {account.swept_at ? <>inventory read <Age at={account.swept_at} what="Last complete reading" oldAfterS={86_400} /></> : "inventory never read"}
      {account.failing_since && (
        <span className={css.failure}>
          failing since <Age at={account.failing_since} what="The first failure" />: {account.failure ?? "no reason was given"}
        </span>
      )}
      <Peace account={account} />
    </span>
  );
}

/** How many SIMs by state, as last counted; a state leads to its SIMs. */
export function SimStates({ account }: { account: Account }) {
  const format = useFormat();
  const states = Object.entries(account.sims.by_state).sort(([, a], [, b]) => b - a);
  if (account.sims.total === 0) return <span className="fl-dim">no SIMs{account.sims.counted_at ? "" : " counted yet"}</span>;
  return (
    <div>
      <div className={css.states} role="img" aria-label={states.map(([state, n]) => `${format.number(n)} ${wordsOf(state)}`).join(", ")}>
        {states.map(([state, n]) => (
          <span key={state} style={{ flexGrow: n, background: `var(--fl-${toneOf(state)})` }} />
        ))}
      </div>
      <div className={css.words}>
        {states.map(([state, n]) => (
          <Link key={state} to="/connectivity" search={{ carrier: account.name, state: state as "active" }}>
            {format.number(n)} {wordsOf(state)}
          </Link>
        ))}
        <span className="fl-dim">
          counted <Age at={account.sims.counted_at} never="never" what="Counts are kept by a worker" />
        </span>
      </div>
    </div>
  );
}

/** What is left of each token bucket. */
export function Budgets({ account }: { account: Account }) {
  const format = useFormat();
  if (account.budgets.length === 0) return <span className="fl-dim">none: nothing calls this carrier</span>;
  return (
    <div className={css.budgets}>
      {account.budgets.map((one) => {
        const share = Math.max(0, Math.min(1, one.left / Math.max(1, one.capacity)));
        const tone = one.left < 0 ? "bad" : share < 0.2 ? "warn" : "ok";
        const left = format.number(Math.floor(one.left));
        const hint = `${left} of ${format.number(one.capacity)} calls left, ${format.number(one.per_second)} a second come back. ${one.used_at ? `Last used ${format.instant(one.used_at)}` : "Never used"}. ${one.left < 0 ? "The carrier said: not before. " : ""}${share < 1 ? `Full again ${format.instant(one.full_at)}.` : ""} These are real times, not the house’s.`;
        return (
          <Tooltip key={one.call_class} label={hint}>
            <div className={css.budget} tabIndex={0}>
              <span>{one.call_class}</span>
              <span className={css.meter} role="meter" aria-label={`${one.call_class}: calls left`} aria-valuenow={Math.max(0, one.left)} aria-valuemin={0} aria-valuemax={one.capacity}>
                <span style={{ width: `${share * 100}%`, background: `var(--fl-${tone})` }} />
              </span>
              <span className={css.left}>
                {left} <span className="fl-dim">of {format.number(one.capacity)}</span>
              </span>
            </div>
          </Tooltip>
        );
      })}
    </div>
  );
}

/** What it can do, in two lines. */
export function VerbWords({ account }: { account: Account }) {
  if (account.capabilities.length === 0) return <span className="fl-dim">nothing by itself: it has no connector</span>;
  const can = account.capabilities.filter((one) => one.supported);
  return (
    <details className={css.verbs}>
      <summary>
        can do {can.length} of {account.capabilities.length} verbs
      </summary>
      <ul>
        {account.capabilities.map((one) => (
          <li key={one.verb} data-can={one.supported || undefined}>
            {one.supported ? <IconCheck size={12} stroke={3} role="img" aria-label="can" /> : <IconX size={12} stroke={3} role="img" aria-label="cannot" />}
            <span>
              {wordsOf(one.verb)}
              {one.because && <span className="fl-dim">: {one.because}</span>}
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}

const MODES = { sync: "at once", job: "by a job", callback: "by a callback" } as const;

/** Every verb: whether, how, at whose cost, and what traffic does afterwards. */
export function VerbTable({ account }: { account: Account }) {
  return (
    <div className={css.tableBox} tabIndex={0} role="region" aria-label="Verbs">
      <table className={css.table}>
        <thead>
          <tr>
            <th scope="col">Verb</th>
            <th scope="col">Supported</th>
            <th scope="col">Because</th>
            <th scope="col">Answers</th>
            <th scope="col">Can be taken back</th>
            <th scope="col">Costs</th>
            <th scope="col">Traffic after</th>
            <th scope="col">Needs</th>
          </tr>
        </thead>
        <tbody>
          {account.capabilities.map((one) => (
            <tr key={one.verb} data-cannot={!one.supported || undefined}>
              <th scope="row">{wordsOf(one.verb)}</th>
              <td>{one.supported ? <StateBadge state="yes" tone="ok" plain /> : <StateBadge state="no" tone="idle" plain />}</td>
              <td>{one.because || "–"}</td>
              <td>{one.supported ? MODES[one.mode] : "–"}</td>
              <td>{one.supported ? (one.reversible ? "yes" : "no") : "–"}</td>
              <td>{!one.supported ? "–" : one.billable === null ? "not said" : one.billable ? "yes" : "no"}</td>
              <td>{one.supported ? one.traffic_after : "–"}</td>
              <td>{one.needs.join(", ") || "–"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** How far behind the carrier's own view may be. */
export function staleness(account: Account): string {
  return account.staleness_s === 0 ? "not behind" : `up to ${span(account.staleness_s)} behind`;
}
