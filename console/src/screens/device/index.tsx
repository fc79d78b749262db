// One device, whole: what it should be and is, why, where it was, and what it is made of.
import { Tabs } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { countriesQuery, deviceQuery } from "@/api/queries";
import { useUrl } from "@/frame/url";
import { Age, CarrierLink, CountryLink, DaysLeft, Facts, Ident, Loading, Panel, Problem, Screen, StateBadge } from "@/parts";
import { Clocks, Presence, Sessions } from "./Connection";
import { Facets } from "./Facets";
import { Cards, Identity } from "./Identity";
import { search } from "./search";
import { Why } from "./Why";

export default function DeviceScreen() {
  const { ref } = useParams({ from: "/inside/devices/$ref" });
  const [url, setUrl] = useUrl(search);
  const device = useQuery(deviceQuery(ref));
  const countries = useQuery(countriesQuery);
  if (device.isPending)
    return (
      <Screen title={ref}>
        <Loading what={`Reading ${ref}`} />
      </Screen>
    );
  if (device.error)
    return (
      <Screen title={ref}>
        <Panel>
          <Problem error={device.error} retry={device.refetch} />
        </Panel>
      </Screen>
    );
  const one = device.data;
  const zone = countries.data?.items.find((country) => country.code === one.facts.country)?.zone ?? null;
  const facts = one.facts;
  return (
    <Screen
      title={one.name}
      beside={
        <>
          <StateBadge state={one.state} hint="The device's own state" />
          <StateBadge state={facts.connectivity} hint="What the carrier or the device said last" />
        </>
      }
      subtitle={
        <>
          {[one.sku, one.group, one.region, one.batch].filter(Boolean).join(" · ") || "no bindings"} · last heard <Age at={facts.last_contact_at} zone={zone} />
        </>
      }
    >
      <div className="fl-cols">
        <Panel title="Where it is" note={<Age at={facts.place_at} what={`Observed by ${facts.place_source ?? "nobody"}`} zone={zone} never="never seen" />}>
          <Facts
            items={[
              ["Country", facts.country && <CountryLink code={facts.country} />],
              ["Network", facts.plmn && `${facts.plmn}${facts.rat ? ` · ${facts.rat}` : ""}`],
              ["Cell", facts.cell],
              ["Roaming", facts.roaming === null ? null : facts.roaming ? "yes" : "no"],
              ["Roaming rules", <StateBadge key="stance" state={facts.law_stance} />],
              ["Roaming clock", <DaysLeft key="clock" at={facts.breach_at} />],
            ]}
          />
        </Panel>
        <Panel title="How it is connected">
          <Facts
            items={[
              ["Carrier account", facts.carrier && <CarrierLink account={facts.carrier} />],
              ["ICCID in use", <Ident key="iccid" value={facts.iccid} />],
              ["IMEI seen", <Ident key="imei" value={facts.imei} />],
              ["Subscription", <StateBadge key="sub" state={facts.subscription_state} />],
              ["Plan", facts.plan],
              ["Home country", facts.home_country && <CountryLink code={facts.home_country} />],
            ]}
          />
        </Panel>
        <Clocks clocks={one.clocks} zone={zone} />
      </div>
      <Tabs value={url.tab ?? "now"} onChange={(tab) => setUrl({ tab: tab === "now" ? undefined : (tab as typeof url.tab) })} keepMounted={false}>
        <Tabs.List mb="sm">
          <Tabs.Tab value="now">Desired and observed</Tabs.Tab>
          <Tabs.Tab value="why">Why</Tabs.Tab>
          <Tabs.Tab value="sessions">Sessions and presence</Tabs.Tab>
          <Tabs.Tab value="identity">Identity and cards</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="now">
          <Facets facets={one.facets} zone={zone} />
        </Tabs.Panel>
        <Tabs.Panel value="why">
          <Why device={ref} zone={zone} />
        </Tabs.Panel>
        <Tabs.Panel value="sessions" className="fl-stack">
          <Sessions sessions={one.sessions} zone={zone} />
          <Presence runs={one.presence} zone={zone} />
        </Tabs.Panel>
        <Tabs.Panel value="identity" className="fl-stack">
          <Identity device={one} zone={zone} />
          <Cards device={one} />
        </Tabs.Panel>
      </Tabs>
    </Screen>
  );
}
