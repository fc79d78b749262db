// What a plan would do: the devices it touches, by what; how, step by step; what it costs and what the law says.
// The page of a plan, the flow of an action and the story of a change show it alike.
import type { ReactNode } from "react";
import type { Cost, Plan, PlannedResource, PlanSummary, Saves } from "@/api/plans";
import { undoOf } from "@/api/plans";
import { countryName, span, useFormat } from "@/frame/format";
import type { Tone } from "@/frame/theme";
import { SteeringTable, UsageRuleTable } from "./AtAccounts";
import { StateBadge } from "./Badges";
import { BarList } from "./BarList";
import { type Figure, Figures } from "./Facts";
import { CarrierLink, ChangeLink, CountryLink, PolicyLink } from "./Links";
import css from "./plan.module.css";
import { AlikeGroup, alike } from "./Recipes";
import { Empty } from "./Says";
import { Panel } from "./Screen";
import { toneOf, wordsOf } from "./states";

const SIGN: Record<string, { sign: string; tone: Tone }> = { create: { sign: "+", tone: "ok" }, update: { sign: "~", tone: "warn" }, remove: { sign: "−", tone: "bad" } };

/** Everything a plan says, one panel after another. */
export function PlanImpact({ plan }: { plan: Plan }) {
  const { summary } = plan;
  return (
    <div className="fl-stack">
      <Figures label="The plan in figures" items={usePlanFigures(summary)} />
      <PlanWarnings summary={summary} />
      <Resources resources={plan.resources} summary={summary} />
      <RulesAtAccounts summary={summary} />
      <BlastRadius summary={summary} />
      <Recipes summary={summary} />
      <div className="fl-cols">
        {summary.saves ? <SavesPanel saves={summary.saves} /> : <CostPanel cost={summary.cost} />}
        <LawPanel law={summary.law} />
      </div>
    </div>
  );
}

export function usePlanFigures(summary: PlanSummary): Figure[] {
  const format = useFormat();
  const blocked = summary.devices - summary.movable;
  const { coverage_percent: coverage } = summary.cost;
  return [
    { name: "Devices concerned", value: format.number(summary.devices) },
    { name: "Can be moved", value: format.number(summary.movable), tone: summary.movable > 0 ? "ok" : "idle" },
    { name: "Blocked", value: format.number(blocked), tone: blocked > 0 ? "bad" : "idle" },
    { name: "Countries", value: format.number(Object.keys(summary.countries).length) },
    { name: coverage !== null && coverage < 100 ? "Priced, rest unknown" : "Priced", value: coverage === null ? "–" : `${coverage} %`, tone: coverage !== null && coverage < 100 ? "warn" : undefined },
  ];
}

function Note({ tone, title, children }: { tone: "bad" | "warn" | "info"; title: string; children: ReactNode }) {
  return (
    <div className={css.note} data-tone={tone} role="note">
      <b>{title}</b> <span>{children}</span>
    </div>
  );
}

/** What somebody should have read before applying. */
export function PlanWarnings({ summary }: { summary: PlanSummary }) {
  const format = useFormat();
  const undo = undoOf(summary);
  const left = Object.entries(summary.left_out ?? {});
  const hidden = Object.entries(summary.hidden);
  const notes: ReactNode[] = [];
  if (undo.none > 0)
    notes.push(
      <Note key="none" tone="bad" title="Nothing takes this back.">
        {format.number(undo.none)} devices have a step without undo: another person must agree before it runs.
      </Note>,
    );
  if (undo.forwardOnly > 0)
    notes.push(
      <Note key="forward" tone="warn" title="Not all of it can be taken back.">
        {format.number(undo.forwardOnly)} devices have a step that can only go on.
      </Note>,
    );
  for (const one of summary.conflicts)
    notes.push(
      <Note key={one.change} tone="warn" title="Another Change is at work here.">
        {format.number(one.devices)} of these devices are being moved by <ChangeLink change={one.change} />; they wait for it.
      </Note>,
    );
  if (summary.possible_collisions.length > 0)
    notes.push(
      <Note key="collide" tone="warn" title="Could collide one day.">
        No device makes them collide now:{" "}
        {summary.possible_collisions.map((one, index) => (
          <span key={index}>
            {index > 0 && "; "}
            <PolicyLink policy={one.policies[0]} /> and <PolicyLink policy={one.policies[1]} /> both set <code>{one.facet}{one.path}</code>
          </span>
        ))}
        .
      </Note>,
    );
  if (left.length > 0)
    notes.push(
      <Note key="left" tone="info" title="Left out.">
        The action is not open to {left.map(([state, count]) => `${format.number(count)} that are ${wordsOf(state)}`).join(", ")}.
      </Note>,
    );
  if (hidden.length > 0)
    notes.push(
      <Note key="hidden" tone="info" title="Not judged for want of facts.">
        {[...byCount(hidden)].map(([count, names], index) => (
          <span key={count}>
            {index > 0 && "; "}
            {names.join(", ")} {names.length === 1 ? "is" : "are"} silent about {format.number(count)} devices
          </span>
        ))}
        , for a fact that the condition reads is unknown there.
      </Note>,
    );
  if (summary.no_driver_yet.length > 0)
    notes.push(
      <Note key="driver" tone="info" title="Kept, and nothing acts on it yet.">
        {summary.no_driver_yet.join(", ")}
      </Note>,
    );
  if (summary.observe_only.length > 0)
    notes.push(
      <Note key="observe" tone="info" title="Only observed.">
        {summary.observe_only.join(", ")}: counted, but moves nobody.
      </Note>,
    );
  if (summary.unchanged.length > 0)
    notes.push(
      <Note key="same" tone="info" title="As they are already.">
        {summary.unchanged.join(", ")}
      </Note>,
    );
  if (summary.ends_after_s)
    notes.push(
      <Note key="ends" tone="info" title={`Ends after ${span(summary.ends_after_s)}.`}>
        Then the clock takes it back.
      </Note>,
    );
  return notes.length > 0 ? <div className={css.notes}>{notes}</div> : null;
}

function byCount(entries: [string, number][]): Map<number, string[]> {
  const found = new Map<number, string[]>();
  for (const [name, count] of entries) found.set(count, [...(found.get(count) ?? []), name]);
  return found;
}

export function Resources({ resources, summary }: { resources: PlannedResource[]; summary: PlanSummary }) {
  return (
    <Panel title="Resources" note="what would be another than it is">
      {resources.length === 0 ? (
        <Empty title="Nothing would change">{summary.unchanged.length > 0 ? "All that was sent is kept like this already." : "No resource is in this plan."}</Empty>
      ) : (
        <ul className={css.resources}>
          {resources.map((one) => {
            const said = SIGN[one.verb] ?? { sign: "·", tone: "idle" as Tone };
            return (
              <li key={`${one.kind}/${one.name}`}>
                <StateBadge state={one.verb} tone={said.tone} label={<><span className={css.sign} aria-hidden>{said.sign}</span> {one.verb}</>} />
                <span className="fl-dim">{one.kind}</span> <PolicyLink kind={one.kind} policy={one.name} /> <span className="fl-dim">revision {one.number}</span>
              </li>
            );
          })}
        </ul>
      )}
    </Panel>
  );
}

/** Rules that act on lines move no device: what they would come to stands account by account. */
export function RulesAtAccounts({ summary }: { summary: PlanSummary }) {
  const none = <Empty title="It matches no line today">Lines that come to match are taken up later.</Empty>;
  return (
    <>
      {Object.entries(summary.steering ?? {}).map(([name, rows]) => (
        <Panel key={name} title={`Steering ${name}`} note="the list that would be set at each account, or why none" flush>
          {rows.length > 0 ? <SteeringTable rows={rows} label={`Steering ${name} at each account`} planned /> : none}
        </Panel>
      ))}
      {Object.entries(summary.usage_rules ?? {}).map(([name, rows]) => (
        <Panel key={name} title={`Usage rule ${name}`} note="whom it would find beyond its measure now, as of each carrier's data" flush>
          {rows.length > 0 ? <UsageRuleTable rows={rows} label={`Usage rule ${name} at each account`} planned /> : none}
        </Panel>
      ))}
    </>
  );
}

export function BlastRadius({ summary }: { summary: PlanSummary }) {
  const bars = (values: Record<string, number>, name: (key: string) => ReactNode, tone?: (key: string) => Tone) => Object.entries(values).map(([key, value]) => ({ key, name: key ? name(key) : <span className="fl-dim">none</span>, value, tone: tone?.(key) }));
  return (
    <Panel title="Whom it touches" note="devices that would be moved, or are blocked">
      <div className={css.radius}>
        <BarList label="By country" bars={bars(summary.countries, (code) => <CountryLink code={code} />)} />
        <BarList label="By group" bars={bars(summary.groups, (name) => name)} />
        <BarList label="By carrier now" bars={bars(summary.carriers, (name) => <CarrierLink account={name} />)} />
        <BarList label="By roaming rules" bars={bars(summary.stances, wordsOf, toneOf)} />
      </div>
    </Panel>
  );
}

function Recipes({ summary }: { summary: PlanSummary }) {
  const format = useFormat();
  const groups = alike(summary.situations);
  const blocked = groups.filter((one) => one.recipe.blocked !== null);
  const moving = groups.filter((one) => one.recipe.blocked === null);
  return (
    <>
      {blocked.length > 0 && (
        <Panel title="Blocked" note={`${format.number(summary.devices - summary.movable)} devices stay as they are, until what stands in the way is gone`}>
          {blocked.map((group) => (
            <AlikeGroup key={group.shape} group={group} />
          ))}
        </Panel>
      )}
      <Panel title="What is done" note={moving.length === 1 ? "one recipe for all of them" : `${format.number(moving.length)} recipes`}>
        {moving.length === 0 && <Empty title="No device would be moved">{blocked.length > 0 ? "All that are concerned are blocked." : "No device is concerned by this plan today. A policy that stands still takes those who come later."}</Empty>}
        {moving.map((group) => (
          <AlikeGroup key={group.shape} group={group} />
        ))}
      </Panel>
    </>
  );
}

/** What suspending saves: only what a carrier says it stops billing. */
export function SavesPanel({ saves }: { saves: Omit<Saves, "unpriced"> }) {
  const format = useFormat();
  const currencies = [...new Set([saves.monthly, saves.monthly_unknown, saves.monthly_goes_on].flatMap((one) => Object.keys(one)))].sort();
  const unpriced = saves.lines - saves.priced_lines;
  const money = (amounts: Record<string, string>, currency: string) => (amounts[currency] ? format.money(amounts[currency], "") : "–");
  return (
    <Panel title="What it saves" note={`${saves.coverage_percent} % of ${format.number(saves.lines)} lines are priced`}>
      {currencies.length === 0 ? (
        <Empty title="What it saves is unknown">No tariff is known for these lines. Import prices with <code>fairlead import prices</code>.</Empty>
      ) : (
        <div className={css.moneyBox}>
          <table className={css.money}>
            <thead>
              <tr>
                <th scope="col">Currency</th>
                <th scope="col">Saved each month</th>
                <th scope="col">Unknown</th>
                <th scope="col">Billed all the same</th>
              </tr>
            </thead>
            <tbody>
              {currencies.map((currency) => (
                <tr key={currency}>
                  <th scope="row">{currency}</th>
                  <td>{money(saves.monthly, currency)}</td>
                  <td>{money(saves.monthly_unknown, currency)}</td>
                  <td>{money(saves.monthly_goes_on, currency)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {saves.lines_by_billing.unknown > 0 && (
        <p className={css.aside}>
          Whether {format.number(saves.lines_by_billing.unknown)} lines are billed while they are put aside their carriers do not say: <b>unknown</b>.
        </p>
      )}
      {unpriced > 0 && currencies.length > 0 && (
        <p className={css.aside}>
          {format.number(unpriced)} lines have no price and are in no amount.
        </p>
      )}
    </Panel>
  );
}

export function CostPanel({ cost }: { cost: Cost }) {
  const format = useFormat();
  const currencies = [...new Set([...Object.keys(cost.one_off), ...Object.keys(cost.monthly_delta)])].sort();
  const unpriced = cost.devices - cost.priced_devices;
  return (
    <Panel title="Cost" note={cost.coverage_percent === null ? "not reckoned" : `${cost.coverage_percent} % of the devices are priced`}>
      {currencies.length === 0 ? (
        <Empty title={cost.devices > 0 ? "The cost is unknown" : "No cost is reckoned here"}>{cost.devices === 0 ? "Prices are compared where devices change to another line; here none does. What its carrier charges for this is unknown." : <>No tariff is known for these devices. Import prices with <code>fairlead import prices</code>. What has no price is unknown, never zero.</>}</Empty>
      ) : (
        <div className={css.moneyBox}>
        <table className={css.money}>
          <thead>
            <tr>
              <th scope="col">Currency</th>
              <th scope="col">Once</th>
              <th scope="col">Each month</th>
            </tr>
          </thead>
          <tbody>
            {currencies.map((currency) => (
              <tr key={currency}>
                <th scope="row">{currency}</th>
                <td>{format.money(cost.one_off[currency], "")}</td>
                <td>{signed(cost.monthly_delta[currency], (n) => format.money(n, ""))}</td>
              </tr>
            ))}
          </tbody>
        </table>
        </div>
      )}
      {unpriced > 0 && currencies.length > 0 && (
        <p className={css.aside}>
          {format.number(unpriced)} devices have no price: their cost is <b>unknown</b>, not zero.
        </p>
      )}
    </Panel>
  );
}

function signed(amount: string | undefined, money: (n: string) => string): string {
  if (amount === undefined) return "–";
  return amount.startsWith("-") ? `−${money(amount.slice(1))}` : `+${money(amount)}`;
}

export function LawPanel({ law }: { law: PlanSummary["law"] }) {
  const format = useFormat();
  const rows = law.breaches_avoided;
  return (
    <Panel title="Law" note={`breaches ended or avoided, ${law.note}`}>
      {rows.length === 0 ? (
        <Empty title="No roaming clock runs on these devices">Neither breached nor due, as far as the rules that are kept say.</Empty>
      ) : (
        <div className={css.moneyBox}>
        <table className={css.money}>
          <thead>
            <tr>
              <th scope="col">Country</th>
              <th scope="col">Breached</th>
              <th scope="col">Within 30 days</th>
              <th scope="col">Later</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.country}>
                <th scope="row">
                  <CountryLink code={row.country}>{countryName(row.country)}</CountryLink>
                </th>
                <td data-tone={row.breached > 0 ? "bad" : undefined}>{format.number(row.breached)}</td>
                <td data-tone={row.within_30_days > 0 ? "warn" : undefined}>{format.number(row.within_30_days)}</td>
                <td>{format.number(row.later)}</td>
              </tr>
            ))}
          </tbody>
        </table>
        </div>
      )}
      <p className={css.aside}>A reading of dated sources, not legal advice.</p>
    </Panel>
  );
}
