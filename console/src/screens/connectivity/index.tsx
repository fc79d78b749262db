// Connectivity: cards, profiles and subscriptions of all carriers in one table, and the carriers themselves.
import { Button, Tabs } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { api, ok, type Schemas } from "@/api/client";
import { useFormat } from "@/frame/format";
import { stringifySearch, useUrl } from "@/frame/url";
import { Age, type Figure, Figures, SavedViews, Screen, toneOf } from "@/parts";
import { Baseline } from "./Baseline";
import { Bulks } from "./Bulks";
import { Carriers } from "./Carriers";
import css from "./connectivity.module.css";
import { Outages } from "./Outages";
import { Register } from "./Register";
import { Sims } from "./Sims";
import { search } from "./search";

export default function ConnectivityScreen() {
  const [url, setUrl] = useUrl(search);
  const counts = useQuery({ queryKey: ["counts", "sims"], queryFn: () => ok(api.GET("/v1/subscriptions/counts")) });
  const tab = url.tab ?? "sims";
  const { q, tab: _, account: __, change, by: ___, within: ____, ...conditions } = url;
  const filtered = Object.keys(conditions).length > 0;
  return (
    <Screen
      fill={tab !== "carriers"}
      title="Connectivity"
      subtitle={counts.data ? <>Cards, profiles and subscriptions of all carriers · counted <Age at={counts.data.counted_at} never="not yet" what="Counts are kept by a worker" /></> : "Cards, profiles and subscriptions of all carriers"}
      actions={
        tab === "sims" && (
          <>
            <SavedViews screen="connectivity" to="/connectivity" search={stringifySearch({ q, ...conditions }).slice(1)} />
            <Button component="a" variant="default" leftSection={<IconDownload size={14} aria-hidden />} href={`/v1/subscriptions.csv${stringifySearch(conditions)}`} download>
              Export {filtered ? "these" : "all"} as CSV
            </Button>
          </>
        )
      }
    >
      <Tabs className={css.tabs} data-fill={tab !== "carriers" || undefined} value={tab} onChange={(next) => setUrl({ tab: next === "sims" ? undefined : (next as typeof url.tab) })} keepMounted={false}>
        <Tabs.List mb="sm">
          <Tabs.Tab value="sims">SIMs</Tabs.Tab>
          <Tabs.Tab value="carriers">Carrier accounts</Tabs.Tab>
          <Tabs.Tab value="bulk">Bulk actions</Tabs.Tab>
          <Tabs.Tab value="register">Register</Tabs.Tab>
          <Tabs.Tab value="baseline">Baseline</Tabs.Tab>
          <Tabs.Tab value="outages">Outages</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="sims" className={css.sims}>
          {counts.data && <InFigures counts={counts.data} url={url} setUrl={setUrl} />}
          <Sims url={url} setUrl={setUrl} counts={counts.data} />
        </Tabs.Panel>
        <Tabs.Panel value="carriers">
          <Carriers />
        </Tabs.Panel>
        <Tabs.Panel value="register">
          <Register chosen={url.account} choose={(account) => setUrl({ account })} />
        </Tabs.Panel>
        <Tabs.Panel value="bulk" className={css.sims}>
          <Bulks />
        </Tabs.Panel>
        <Tabs.Panel value="baseline">
          <Baseline silentDays={url.silent_days} />
        </Tabs.Panel>
        <Tabs.Panel value="outages">
          <Outages url={url} setUrl={setUrl} />
        </Tabs.Panel>
      </Tabs>
    </Screen>
  );
}

type Url = ReturnType<typeof search>;

/** By state and by "can it be given another operator"; a click filters. */
function InFigures({ counts, url, setUrl }: { counts: Schemas["SimCounts"]; url: Url; setUrl: (patch: Partial<Url>) => void }) {
  const format = useFormat();
  const of = (dimension: string, value: string) => counts.by[dimension]?.find((one) => one.value === value)?.subscriptions ?? 0;
  const state = (value: NonNullable<Url["state"]>): Figure => ({ name: value.charAt(0).toUpperCase() + value.slice(1), value: format.number(of("state", value)), tone: toneOf(value), pressed: url.state === value, onClick: () => setUrl({ state: url.state === value ? undefined : value }) });
  const remote = (value: NonNullable<Url["remote"]>, name: string, tone: Figure["tone"]): Figure => ({ name, value: format.number(of("remote", value)), tone, pressed: url.remote === value, onClick: () => setUrl({ remote: url.remote === value ? undefined : value }) });
  return (
    <Figures
      label="SIMs in figures"
      items={[
        { name: "SIMs", value: format.number(counts.subscriptions) },
        state("active"),
        state("standby"),
        state("suspended"),
        state("deactivated"),
        remote("changeable", "Remote change", "ok"),
        remote("swap_needed", "Card swap needed", "warn"),
      ]}
    />
  );
}
