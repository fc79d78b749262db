// A steering or a usage rule, account by account, as the server last judged it.
import { useQuery } from "@tanstack/react-query";
import { api, ok } from "@/api/queries";
import { ChangeLink, Empty, Instant, Loading, Panel, Problem, SteeringTable, UsageRuleTable } from "@/parts";

type Kind = "Steering" | "UsageRule";

export const actsOnLines = (kind: string): kind is Kind => kind === "Steering" || kind === "UsageRule";

export function Accounts({ kind, name, change }: { kind: Kind; name: string; change: string | null }) {
  const query = { params: { query: { name, limit: 1000 } } };
  const steering = useQuery({ queryKey: ["policies", "steering", name], enabled: kind === "Steering", queryFn: () => ok(api.GET("/v1/steering", query)) });
  const rules = useQuery({ queryKey: ["policies", "usage-rules", name], enabled: kind === "UsageRule", queryFn: () => ok(api.GET("/v1/usage-rules", query)) });
  const found = kind === "Steering" ? steering : rules;
  if (found.isPending) return <Loading what="Asking what it comes to at each account" />;
  if (found.error)
    return (
      <Panel>
        <Problem error={found.error} retry={found.refetch} />
      </Panel>
    );
  const first = found.data.items[0];
  if (!first || first.account === "")
    return (
      <Panel>
        <Empty title={first ? "It matches no line today" : "It has not been judged yet"}>{first ? "Lines that come to match are judged with the next look." : <>It is judged once its Change is through{change ? <>: <ChangeLink change={change} /></> : ""}.</>}</Empty>
      </Panel>
    );
  const label = `${name} at each account`;
  return (
    <Panel title="What it comes to at each account" note={<>last judged <Instant at={first.judged_at} /></>} flush>
      {kind === "Steering" ? <SteeringTable rows={steering.data?.items ?? []} label={label} /> : <UsageRuleTable rows={rules.data?.items ?? []} label={label} />}
    </Panel>
  );
}
