// What rules that act on lines come to, account by account: the list that steering sets, what a usage rule judged and does.
// The server says why something is not possible; here it is only shown. Used by a plan and by the page of what is kept.
import type { ReactNode } from "react";
import type { SteeringAt, UsageRuleAt } from "@/api/plans";
import { useFormat } from "@/frame/format";
import { CarrierLink } from "./Links";
import { StateBadge } from "./Badges";
import css from "./AtAccounts.module.css";

const SHOWN = 8; // networks of a list; the rest are in its title

export function SteeringTable({ rows, label, planned }: { rows: SteeringAt[]; label: string; planned?: boolean }) {
  const format = useFormat();
  return (
    <Table label={label} heads={["Account", "#Lines", "List", ...(planned ? [] : ["How the lines stand"]), "What it does not keep"]}>
      {rows.map((one) => (
        <tr key={one.account}>
          <th scope="row">
            <CarrierLink account={one.account} />
          </th>
          <td data-right>{format.number(one.lines)}</td>
          <td>
            {one.possible ? (
              <span title={one.plmns.join(", ")}>
                <StateBadge state="" tone="ok" plain label={one.kind} /> <code>{one.plmns.slice(0, SHOWN).join(" ")}</code>
                {one.plmns.length > SHOWN && <span className="fl-dim"> and {format.number(one.plmns.length - SHOWN)} more</span>}
              </span>
            ) : (
              <>
                <StateBadge state="" tone="warn" plain label="not possible" /> {one.because}
              </>
            )}
          </td>
          {!planned && (
            <td>
              <Counts of={one.standing} />
            </td>
          )}
          <td className="fl-dim">{one.notes.length > 0 ? one.notes.join("; ") : "–"}</td>
        </tr>
      ))}
    </Table>
  );
}

export function UsageRuleTable({ rows, label, planned }: { rows: UsageRuleAt[]; label: string; planned?: boolean }) {
  const format = useFormat();
  return (
    <Table label={label} heads={["Account", "#Lines", "#Judged", "#Beyond it", ...(planned ? [] : ["What became of them"]), "What it does", "Not judged"]}>
      {rows.map((one) => (
        <tr key={one.account}>
          <th scope="row">
            <CarrierLink account={one.account} />
          </th>
          <td data-right>{format.number(one.lines)}</td>
          <td data-right>{format.number(one.judged)}</td>
          <td data-right>{format.number(one.crossed)}</td>
          {!planned && (
            <td>
              <Counts of={one.lines_by_state} />
            </td>
          )}
          <td>
            {one.action ? one.action.replaceAll("_", " ") : "tells"}
            {one.action_because && <span className="fl-dim">: {one.action_because}</span>}
            {one.waits_because && <span className="fl-dim">, after a person agreed: {one.waits_because}</span>}
          </td>
          <td>
            <Unjudged one={one} />
          </td>
        </tr>
      ))}
    </Table>
  );
}

function Unjudged({ one }: { one: UsageRuleAt }) {
  const format = useFormat();
  const told = [
    one.cannot_because && `${format.number(one.cannot)} cannot be: ${one.cannot_because}`,
    one.stale > 0 && `${format.number(one.stale)} with data too old`,
    one.unknown > 0 && `${format.number(one.unknown)} of which too little is known`,
  ].filter(Boolean);
  return told.length > 0 ? <>{told.join("; ")}</> : <span className="fl-dim">–</span>;
}

function Counts({ of }: { of: Record<string, number> }) {
  const format = useFormat();
  const told = Object.entries(of).map(([word, lines]) => `${format.number(lines)} ${word.replaceAll("_", " ")}`);
  return told.length > 0 ? <>{told.join(", ")}</> : <span className="fl-dim">–</span>;
}

/** A head that begins with # is of figures. */
function Table({ label, heads, children }: { label: string; heads: string[]; children: ReactNode }) {
  return (
    <div className={css.scroll} tabIndex={0} role="region" aria-label={label}>
      <table className={css.table}>
        <thead>
          <tr>
            {heads.map((one) => (
              <th key={one} scope="col" data-right={one.startsWith("#") || undefined}>
                {one.replace("#", "")}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
