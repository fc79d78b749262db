// What a bulk action would be, before anything is asked: one row an account, so that what differs between carriers stands
// side by side, and beneath each what no column can say.
import { Fragment } from "react";
import type { BulkPreview as Seen } from "@/api/bulk";
import { span, useFormat } from "@/frame/format";
import { StateBadge } from "./Badges";
import css from "./bulk.module.css";
import { type Figure, Figures } from "./Facts";
import { CarrierLink } from "./Links";
import { SavesPanel } from "./PlanImpact";
import plan from "./plan.module.css";
import { Panel } from "./Screen";

type At = Seen["accounts"][number];
const MODES = { sync: "at once", job: "by a job", callback: "by a callback" } as const;
const COLUMNS = 10;

export function BulkPreview({ seen }: { seen: Seen }) {
  const format = useFormat();
  const figures: Figure[] = [
    { name: "Lines", value: format.number(seen.lines) },
    { name: "Would be asked", value: format.number(seen.able), tone: seen.able > 0 ? "info" : "idle" },
    { name: "Are so already", value: format.number(seen.already), tone: "idle" },
    { name: "Cannot be asked", value: format.number(seen.unable), tone: seen.unable > 0 ? "bad" : "idle" },
  ];
  const final = seen.accounts.filter((one) => one.able > 0 && !one.reversible);
  return (
    <div className="fl-stack">
      <Figures label="The preview in figures" items={figures} />
      <div className={plan.notes}>
        {final.length > 0 && (
          <div className={plan.note} data-tone="bad" role="note">
            <b>Nothing takes this back</b> <span>at {final.map((one) => one.account).join(", ")}.</span>
          </div>
        )}
        {seen.approval && (
          <div className={plan.note} data-tone="warn" role="note">
            <b>Another person must agree</b> <span>before anything is asked: {seen.approval}.</span>
          </div>
        )}
        {seen.missing_count > 0 && (
          <div className={plan.note} data-tone="bad" role="note">
            <b>{format.number(seen.missing_count)} ICCIDs are no line of yours</b> <span>{seen.missing.slice(0, 5).join(", ")}{seen.missing_count > 5 ? " …" : ""}</span>
          </div>
        )}
      </div>
      {seen.saves && <SavesPanel saves={seen.saves} />}
      {seen.accounts.length > 0 && (
        <Panel title="At each carrier account" flush>
          <div className={css.tableBox} tabIndex={0} role="region" aria-label="At each carrier account, as a table">
            <table className={css.table}>
              <thead>
                <tr>
                  <th scope="col">Account</th>
                  <th scope="col" data-number>Lines</th>
                  <th scope="col" data-number>Asked</th>
                  <th scope="col" data-number>Already</th>
                  <th scope="col">Answers</th>
                  <th scope="col">Typically</th>
                  <th scope="col">{seen.accounts.some((one) => one.saves) ? "Fee after" : "Charged"}</th>
                  <th scope="col">Taken back</th>
                  <th scope="col">Traffic after</th>
                  <th scope="col" data-number>Lines a call</th>
                </tr>
              </thead>
              <tbody>
                {seen.accounts.map((one) => (
                  <Fragment key={one.account}>
                    <Row at={one} />
                    {remarks(one).length > 0 && (
                      <tr data-remark>
                        <td colSpan={COLUMNS}>
                          {remarks(one).map((said) => (
                            <div key={said} className={one.supported ? undefined : css.why}>
                              {said}
                            </div>
                          ))}
                        </td>
                      </tr>
                    )}
                  </Fragment>
                ))}
              </tbody>
            </table>
          </div>
        </Panel>
      )}
    </div>
  );
}

function Row({ at }: { at: At }) {
  const format = useFormat();
  const numbers = (
    <>
      <th scope="row">
        <CarrierLink account={at.account} />
      </th>
      <td data-number>{format.number(at.lines)}</td>
      <td data-number>{format.number(at.able)}</td>
    </>
  );
  if (!at.supported)
    return (
      <tr data-cannot>
        {numbers}
        <td data-number>–</td>
        <td colSpan={6}>
          <StateBadge state="cannot be asked" tone="bad" plain />
        </td>
      </tr>
    );
  return (
    <tr>
      {numbers}
      <td data-number>{format.number(at.already)}</td>
      <td>{MODES[at.mode]}</td>
      <td title={`at the longest ${span(at.longest_s)}`}>{span(at.typical_s)}</td>
      <td data-tone={at.billable ? "warn" : undefined}>{at.billable === null ? "not said" : at.billable ? "yes" : "no"}</td>
      <td data-tone={at.reversible ? undefined : "bad"}>{at.reversible ? "yes" : "no"}</td>
      <td data-tone={at.traffic_after === "possible" ? "warn" : undefined}>{at.traffic_after}</td>
      <td data-number>{format.number(at.lines_a_call)}</td>
    </tr>
  );
}

/** What its active lines cost a month, by what this carrier says of billing them afterwards. */
function saving(at: At): string[] {
  const money = (amounts: Record<string, string>) => Object.entries(amounts).sort().map(([currency, amount]) => `${amount} ${currency}`).join(", ");
  const { saves } = at;
  if (!saves) return [];
  return [
    money(saves.monthly) && `Saves ${money(saves.monthly)} a month: it stops billing.`,
    money(saves.monthly_unknown) && `May save up to ${money(saves.monthly_unknown)} a month, or nothing: it does not say whether it goes on billing.`,
    money(saves.monthly_goes_on) && `Goes on billing, if less: how much of ${money(saves.monthly_goes_on)} a month is saved is unknown.`,
  ].filter((one): one is string => Boolean(one));
}

function remarks(at: At): string[] {
  return [
    at.supported && at.longest_s > 60 && `May take up to ${span(at.longest_s)} a line.`,
    ...saving(at),
    ...Object.entries(at.denied).map(([because, lines]) => `Cannot for ${lines} ${lines === 1 ? "line" : "lines"}: ${because}.`),
    at.because && `${at.supported ? "Only so" : "Cannot"}: ${at.because}.`,
    at.supported && at.needs.length > 0 && `Needs first: ${at.needs.map((one) => one.replaceAll("_", " ")).join(", ")}.`,
    at.shared_limit && `This carrier keeps the limit for a whole ${at.shared_limit}: it binds more lines than those chosen.`,
    at.experimental && "Its connector is experimental: judged by no contract of the carrier’s own.",
  ].filter((one): one is string => Boolean(one));
}
