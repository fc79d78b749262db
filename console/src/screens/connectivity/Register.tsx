// The carriers' register: what is known of each account, what nobody asked yet, and when its contract needs notice.
import { UnstyledButton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { api, ok, type Schemas } from "@/api/client";
import { countryName, useFormat } from "@/frame/format";
import { Age, CarrierLink, Empty, Facts, Loading, Panel, Problem, StateBadge, TextLink, wordsOf } from "@/parts";
import type { Tone } from "@/frame/theme";
import css from "./baseline.module.css";

type Entry = Schemas["RegisterShown"];
type Contract = Schemas["ContractShown"];

const CONTRACT_TONES: Record<Contract["state"], Tone> = { running: "ok", notice_due: "warn", notice_past: "bad", ended: "bad", not_begun: "idle", no_end_known: "idle" };
const KINDS = { full_mvno: "full MVNO", reseller: "reseller", operator: "operator" } as const;

export function Register({ chosen, choose }: { chosen: string | undefined; choose: (account: string | undefined) => void }) {
  const read = useQuery({ queryKey: ["carriers", "register"], queryFn: () => ok(api.GET("/v1/register")) });
  if (read.isPending) return <Loading what="Reading the register" />;
  if (read.error) return <Panel><Problem error={read.error} retry={read.refetch} /></Panel>;
  const entry = read.data.find((one) => one.account === chosen);
  if (read.data.length === 0)
    return (
      <Panel>
        <Empty title="There is no carrier account yet">The register holds what is known of each account: who stands behind it, where its traffic breaks out, what it covers, what it charges, and until when. Add an account first.</Empty>
      </Panel>
    );
  return (
    <div className="fl-stack">
      <Panel title="Due diligence" note="what somebody asked, and was told" flush>
        <div className={css.scroll}>
          <table className={css.rows}>
            <thead>
              <tr>
                <th scope="col">Account</th>
                <th scope="col">Kind</th>
                <th scope="col">Breakout</th>
                <th scope="col">Local IMSIs</th>
                <th scope="col">Countries covered</th>
                <th scope="col">Contract</th>
                <th scope="col">Nobody asked</th>
              </tr>
            </thead>
            <tbody>
              {read.data.map((one) => (
                <Row key={one.account} one={one} chosen={one.account === chosen} choose={choose} />
              ))}
            </tbody>
          </table>
        </div>
      </Panel>
      {entry && <Whole one={entry} />}
    </div>
  );
}

function Row({ one, chosen, choose }: { one: Entry; chosen: boolean; choose: (account: string | undefined) => void }) {
  const format = useFormat();
  const contract = one.contracts[0];
  return (
    <tr data-chosen={chosen || undefined}>
      <td>
        <UnstyledButton className={css.open} aria-expanded={chosen} onClick={() => choose(chosen ? undefined : one.account)}>
          {one.account}
        </UnstyledButton>
      </td>
      <td>{one.kind ? KINDS[one.kind] : <Unasked />}</td>
      <td>{places(one.breakout)}</td>
      <td>{places(one.local_imsis)}</td>
      <td>{one.countries_covered > 0 ? format.number(one.countries_covered) : <Unasked words="no list" />}</td>
      <td>{contract ? <Standing contract={contract} /> : <Unasked words="none kept" />}</td>
      <td className={css.missing}>{one.unanswered.length > 0 ? one.unanswered.map(wordsOf).join(", ") : "everything is answered"}</td>
    </tr>
  );
}

function Whole({ one }: { one: Entry }) {
  const format = useFormat();
  return (
    <Panel title={one.account} note={one.carrier} right={one.updated_at ? <Age at={one.updated_at} what="Last edited" /> : "nothing kept yet"}>
      <Facts
        items={[
          ["Account", <CarrierLink key="account" account={one.account} />],
          ["Kind", one.kind ? KINDS[one.kind] : <Unasked key="kind" />],
          ["Upstream cores", one.upstream === null ? <Unasked key="upstream" /> : one.upstream.join(", ") || "none"],
          ["Breakout", places(one.breakout)],
          ["Local IMSIs", places(one.local_imsis)],
          ["Plans", one.plans === null ? <Unasked key="plans" /> : one.plans.join(", ") || "none"],
          ["Fees", one.fees === null ? <Unasked key="fees" /> : one.fees.map((fee) => `${fee.name} ${format.money(fee.amount, fee.currency)} per ${fee.per}`).join("; ") || "none"],
          ["Contacts", one.contacts ?? <Unasked key="contacts" />],
          ["Notes", one.notes],
          ["Who said so", one.source && `${one.source}${one.as_of ? `, ${format.date(one.as_of)}` : ""}`],
          ...one.contracts.map((contract): [string, React.ReactNode] => [`Contract ${contract.number}`, <Standing key={contract.number} contract={contract} long />]),
        ]}
      />
      <p className={css.note}>
        Edited by <code>fairlead carrier register {one.account} -f record.yaml</code>, by import of contracts and coverage, or at the API. <TextLink fz="inherit" to="/connectivity" search={{ carrier: one.account }}>Its SIMs</TextLink>
      </p>
    </Panel>
  );
}

/** Where a contract stands; days are calendar days in UTC. */
function Standing({ contract, long }: { contract: Contract; long?: boolean }) {
  const left = contract.days_left;
  const words = left === null ? "" : left < 0 ? `ended ${-left} days ago` : `ends in ${left} days`;
  const notice = contract.notice_by && left !== null && left >= 0 ? `notice by ${contract.notice_by}` : "";
  const committed = long && contract.committed_sims !== null ? `${contract.committed_sims} SIMs committed` : "";
  return (
    <span style={{ display: "inline-flex", gap: "0.5rem", alignItems: "baseline", flexWrap: "wrap" }}>
      <StateBadge state={contract.state} tone={CONTRACT_TONES[contract.state]} plain />
      <span>{[words, notice, committed, long ? contract.commitment : ""].filter(Boolean).join("; ")}</span>
    </span>
  );
}

function Unasked({ words = "not asked" }: { words?: string }) {
  return <span className={css.missing}>{words}</span>;
}

function places(codes: string[] | null) {
  if (codes === null) return <Unasked />;
  return codes.length > 0 ? codes.map(countryName).join(", ") : "none";
}
