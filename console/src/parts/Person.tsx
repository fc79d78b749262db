// Who somebody is: by name where the viewer may read people, "you" for oneself, else the id the API prints.
import { Tooltip } from "@mantine/core";
import { queryOptions, useQuery } from "@tanstack/react-query";
import { api, ok } from "@/api/client";
import { useMay, useSession } from "@/api/queries";
import css from "./parts.module.css";

const peopleQuery = queryOptions({
  queryKey: ["people", "names"],
  queryFn: async () => {
    const page = await ok(api.GET("/v1/principals", { params: { query: { limit: 1000 } } }));
    return new Map(page.items.map((one) => [one.id, one.name]));
  },
  staleTime: 300_000,
});

export function Person({ id }: { id: string | null | undefined }) {
  const session = useSession();
  const forbidden = useMay("people.read");
  const names = useQuery({ ...peopleQuery, enabled: forbidden === undefined });
  if (!id) return <span className={css.none}>–</span>;
  const name = names.data?.get(id);
  const mine = id === session.principal;
  if (name === undefined && !mine) return <span className={css.mono}>{id}</span>;
  return (
    <Tooltip label={id}>
      <span>{mine ? `${session.name} (you)` : name}</span>
    </Tooltip>
  );
}
