// The tenant itself, and where its carrier accounts are kept.
import { useQuery } from "@tanstack/react-query";
import { api, ok, tenantQuery, useMay } from "@/api/queries";
import { CarrierLink, Empty, Facts, Ident, Instant, Loading, Panel, Problem, StateBadge, TextLink } from "@/parts";
import css from "./settings.module.css";

export function Tenant() {
  const tenant = useQuery(tenantQuery);
  const rule = useQuery({ queryKey: ["agreement"], queryFn: () => ok(api.GET("/v1/agreement")) });
  return (
    <Panel title="Tenant" note="everything you see belongs to it; nobody else sees any of it">
      {tenant.isPending ? (
        <Loading what="Reading the tenant" />
      ) : tenant.error ? (
        <Problem error={tenant.error} retry={tenant.refetch} />
      ) : (
        <Facts
          items={[
            ["Name", tenant.data.name],
            ["State", <StateBadge key="state" state={tenant.data.state} />],
            ["Id", <Ident key="id" value={tenant.data.id} />],
            ["Cell", tenant.data.cell],
            ["Since", <Instant key="since" at={tenant.data.created_at} />],
            ["What carriers charge for", rule.data ? (rule.data.charges ? "another person must agree" : "nobody else need agree") : "–"],
          ]}
        />
      )}
    </Panel>
  );
}

export function Carriers() {
  const forbidden = useMay("carriers.read");
  const carriers = useQuery({ queryKey: ["carriers", "settings"], queryFn: () => ok(api.GET("/v1/carriers")), enabled: !forbidden });
  return (
    <Panel title="Carrier accounts" note="kept, with what each can do and what is left of its budget, under Connectivity" right={<TextLink fz="xs" to="/connectivity">To Connectivity</TextLink>}>
      {forbidden ? (
        <Empty title="Not yours to see">Reading carrier accounts {forbidden}.</Empty>
      ) : carriers.isPending ? (
        <Loading what="Reading carrier accounts" />
      ) : carriers.error ? (
        <Problem error={carriers.error} retry={carriers.refetch} />
      ) : carriers.data.length === 0 ? (
        <Empty title="No carrier account yet">
          <code>fairlead carrier add</code> adds one; its key is sealed and never shown again.
        </Empty>
      ) : (
        carriers.data.map((one) => (
          <div key={one.name} className={css.line}>
            <CarrierLink account={one.name} />
            <span className="fl-dim">{one.connector}</span>
            <StateBadge state="" tone={one.has_credential ? "ok" : "warn"} label={one.has_credential ? "key sealed" : "no key yet"} plain />
          </div>
        ))
      )}
    </Panel>
  );
}
