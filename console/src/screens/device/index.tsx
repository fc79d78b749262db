// One device, whole: what it should be and is, why, what happened to it, where it was, and what it is made of.
import { SegmentedControl, Tabs } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { countriesQuery, deviceQuery } from "@/api/queries";
import { myZone, useFormat, useZoneChoice, type ZoneChoice } from "@/frame/format";
import { useUrl } from "@/frame/url";
import { Age, AskedChange, CarrierLink, CountryLink, DaysLeft, Facts, Ident, Loading, Panel, Problem, Screen, StateBadge, SubscriptionLink } from "@/parts";
import { Acts } from "./Acts";
import { Clocks, Presence, Sessions } from "./Connection";
import css from "./device.module.css";
import { Facets } from "./Facets";
import { History } from "./History";
import { Cards, Identity } from "./Identity";
import { Layers } from "./Layers";
import { search } from "./search";
import { Why } from "./Why";

export default function DeviceScreen() {
  const { ref } = useParams({ from: "/inside/devices/$ref" });
  const [url, setUrl] = useUrl(search);
  const format = useFormat();
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
  const facts = one.facts;
  const inUse = one.subscriptions.find((subscription) => subscription.iccid === facts.iccid);
  const zone = countries.data?.items.find((country) => country.code === (facts.country ?? facts.home_country))?.zone ?? null;
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
      actions={<Acts device={one} onApplied={(change) => setUrl({ change: change.id })} />}
    >
      {url.change && <AskedChange change={url.change} onForget={() => setUrl({ change: undefined })} />}
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
        <Panel title="How it is connected" note={inUse ? <>the carrier said so <Age at={inUse.observed_at} what={`Seen at ${inUse.account}`} zone={zone} never="never" /></> : undefined}>
          <Facts
            items={[
              ["Carrier account", facts.carrier && <CarrierLink account={facts.carrier} />],
              ["ICCID in use", facts.iccid && <SubscriptionLink key="iccid" subscription={facts.iccid}><Ident value={facts.iccid} copy={false} /></SubscriptionLink>],
              ["IMEI seen", <Ident key="imei" value={facts.imei} />],
              ["Subscription", <StateBadge key="sub" state={facts.subscription_state} />],
              ["Plan", facts.plan],
              ["Used this month", facts.usage_at && <span key="used">{format.bytes(facts.usage_month_bytes)} · known until <Age at={facts.usage_at} what="Known until" zone={zone} oldAfterS={(facts.usage_lag_s ?? 0) + 3_600} /></span>],
              ["Silent", facts.silent_days === null ? null : facts.silent_days === 0 ? "no" : `${facts.silent_days} ${facts.silent_days === 1 ? "day" : "days"}, as far as it is known`],
              ["Home country", facts.home_country && <CountryLink code={facts.home_country} />],
            ]}
          />
        </Panel>
        <Clocks clocks={one.clocks} zone={zone} />
      </div>
      <Tabs value={url.tab ?? "now"} onChange={(tab) => setUrl({ tab: tab === "now" ? undefined : (tab as typeof url.tab) })} keepMounted={false}>
        <div className={css.tabs}>
          <Tabs.List>
            <Tabs.Tab value="now">Now</Tabs.Tab>
            <Tabs.Tab value="time">What happened</Tabs.Tab>
            <Tabs.Tab value="why">Why</Tabs.Tab>
            <Tabs.Tab value="sessions">Sessions and presence</Tabs.Tab>
            <Tabs.Tab value="identity">Identity and cards</Tabs.Tab>
          </Tabs.List>
          <Zones zone={zone} />
        </div>
        <Tabs.Panel value="now" className="fl-stack">
          <Facets device={one} zone={zone} open={url.facet} onOpen={(facet) => setUrl({ facet }, { replace: true })} />
          <Layers device={ref} />
        </Tabs.Panel>
        <Tabs.Panel value="time">
          <History device={ref} zone={zone} kinds={url.kinds} onKinds={(kinds) => setUrl({ kinds })} entry={url.entry} onEntry={(entry) => setUrl({ entry }, { replace: true })} />
        </Tabs.Panel>
        <Tabs.Panel value="why">
          <Why device={one.name} zone={zone} />
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

/** Whose time the page is in; the same choice as in Preferences, said where it matters. */
function Zones({ zone }: { zone: string | null }) {
  const [choice, setChoice] = useZoneChoice();
  return (
    <span className={css.zones}>
      <span>{choice === "utc" ? "Times in UTC" : choice === "device" && zone ? `Times in ${zone}` : `Times in ${myZone()}`}</span>
      <SegmentedControl size="xs" aria-label="Times are shown in" value={choice} onChange={(next) => setChoice(next as ZoneChoice)} data={[{ value: "mine", label: "Mine" }, { value: "device", label: "Device’s" }, { value: "utc", label: "UTC" }]} />
    </span>
  );
}
