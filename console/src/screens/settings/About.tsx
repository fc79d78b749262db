// What this server is, and the keys that prove its journal.
import { useQuery } from "@tanstack/react-query";
import { api, ok, raw, useMay } from "@/api/queries";
import { Empty, Facts, Ident, Instant, Loading, Panel, Problem, StateBadge } from "@/parts";

interface Document {
  info: { title: string; version: string; license?: { name: string } };
  openapi: string;
}
interface Health {
  ok: boolean;
  faults: Record<string, string>;
}

export function About() {
  const forbidden = useMay("journal.read");
  const about = useQuery({ queryKey: ["about"], queryFn: async () => (await raw<Document>("GET", "/v1/openapi.json")).info, staleTime: Number.POSITIVE_INFINITY });
  const health = useQuery({ queryKey: ["health"], queryFn: () => raw<Health>("GET", "/readyz"), retry: false, refetchInterval: 15_000 });
  const keys = useQuery({ queryKey: ["journal", "keys"], queryFn: () => ok(api.GET("/v1/journal/keys")), enabled: !forbidden });
  return (
    <>
      <Panel title="This server">
        {about.isPending ? (
          <Loading what="Asking the server what it is" />
        ) : about.error ? (
          <Problem error={about.error} retry={about.refetch} />
        ) : (
          <Facts
            items={[
              ["Fairlead", about.data.version],
              ["Licence", about.data.license?.name],
              ["Ready", typeof health.data !== "object" && !health.error ? "asking…" : health.data?.ok ? <StateBadge key="ready" state="" tone="ok" plain label="yes" /> : <StateBadge key="ready" state="" tone="bad" plain label="not all it stands on is in reach" />],
              ["API", <a key="api" href="/v1/openapi.json">OpenAPI document</a>],
            ]}
          />
        )}
      </Panel>
      <Panel title="Keys of the journal" note="oldest first; pin the newest">
        {forbidden ? (
          <Empty title="Not yours to see">Reading the journal&apos;s keys {forbidden}.</Empty>
        ) : keys.isPending ? (
          <Loading what="Reading keys" />
        ) : keys.error ? (
          <Problem error={keys.error} retry={keys.refetch} />
        ) : keys.data.length === 0 ? (
          <Empty title="No key yet">The first checkpoint makes one.</Empty>
        ) : (
          <div className="fl-stack">
            {keys.data.map((key) => (
              <Facts
                key={key.key_id}
                items={[
                  ["Key", key.key_id],
                  ["Since", <Instant key="since" at={key.since} />],
                  ["Public key", <Ident key="public" value={key.public_key} />],
                ]}
              />
            ))}
            <p className="fl-dim" style={{ margin: 0, fontSize: "var(--mantine-font-size-sm)" }}>
              Whoever has an export and this key can prove it without this server: <code>fairlead journal verify --key …</code>
            </p>
          </div>
        )}
      </Panel>
    </>
  );
}
