// A strategy against the present fleet: the way in that each country should take, and how its devices come in today.
import { useQuery } from "@tanstack/react-query";
import { api, ok } from "@/api/queries";
import { useFormat } from "@/frame/format";
import { CountryLink, Empty, Loading, Panel, Problem, StateBadge } from "@/parts";
import css from "./policy.module.css";

export function Countries({ name }: { name: string }) {
  const format = useFormat();
  const found = useQuery({ queryKey: ["policies", "strategy", name], queryFn: () => ok(api.GET("/v1/strategies/{name}", { params: { path: { name } } })) });
  if (found.isPending) return <Loading what="Asking the strategy for every country" />;
  if (found.error)
    return (
      <Panel>
        <Problem error={found.error} retry={found.refetch} />
      </Panel>
    );
  if (found.data.items.length === 0)
    return (
      <Panel>
        <Empty title="There are no devices in any country">The strategy is asked for each country where devices were seen.</Empty>
      </Panel>
    );
  return (
    <Panel title="Which way in each country takes" note={found.data.notice} flush>
      <div className={css.scroll}>
        <table className={css.table}>
          <thead>
            <tr>
              <th scope="col">Country</th>
              <th scope="col">Way in</th>
              <th scope="col">Decided by</th>
              <th scope="col">Roaming rules</th>
              <th scope="col" data-right>
                Devices
              </th>
              <th scope="col" data-right>
                On a foreign SIM
              </th>
            </tr>
          </thead>
          <tbody>
            {found.data.items.map((one) => (
              <tr key={one.country}>
                <th scope="row">
                  <CountryLink code={one.country} />
                </th>
                <td data-nowrap>{one.use ?? <span className="fl-dim">no tier holds</span>}</td>
                <td>{one.reason}</td>
                <td data-nowrap>
                  <StateBadge state={one.stance} plain /> <span className={css.small}>{one.confidence}</span>
                </td>
                <td data-right>{format.number(one.devices)}</td>
                <td data-right>{format.number(one.roaming)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}
