// What the device is, and the cards, profiles and subscriptions it has.
import type { DeviceDetails } from "@/api/queries";
import { Age, CarrierLink, Empty, Facts, Ident, Instant, Panel, StateBadge, SubscriptionLink } from "@/parts";
import css from "./device.module.css";

export function Identity({ device, zone }: { device: DeviceDetails; zone: string | null }) {
  return (
    <div className="fl-cols">
      <Panel title="Identity">
        <Facts
          items={[
            ["Id", <Ident key="id" value={device.id} />],
            ["Serial", <Ident key="serial" value={device.serial} />],
            ["IMEI", <Ident key="imei" value={device.imei} />],
            ["EID", <Ident key="eid" value={device.eid} />],
            ["MAC", <Ident key="mac" value={device.mac} />],
            ["Certificate", <Ident key="cert" value={device.fingerprint} />],
            ["MQTT secret", device.has_secret ? "issued" : "none: it cannot sign in over MQTT"],
          ]}
        />
      </Panel>
      <Panel title="Bindings">
        <Facts
          items={[
            ["SKU", device.sku],
            ["Group", device.group],
            ["Region", device.region],
            ["Batch", device.batch],
            ["Tags", device.tags.join(", ")],
            ["Created", <Instant key="created" at={device.created_at} zone={zone} />],
            ["Edited", <Instant key="updated" at={device.updated_at} zone={zone} />],
          ]}
        />
      </Panel>
    </div>
  );
}

export function Cards({ device }: { device: DeviceDetails }) {
  return (
    <Panel title="Cards, profiles and subscriptions">
      {device.cards.length === 0 && <Empty title="No card is bound to it">Import SIMs with the device's name to bind them.</Empty>}
      {device.cards.map((card) => (
        <div key={card.id} className={css.rule}>
          <b>
            Slot {card.slot}: {card.technology}, {card.form_factor}
            {card.multi_imsi ? ", several IMSIs" : ""}
          </b>
          {card.eid && (
            <span>
              EID <Ident value={card.eid} />
            </span>
          )}
          {device.profiles
            .filter((profile) => profile.card === card.id)
            .map((profile) => {
              const subscription = device.subscriptions.find((one) => one.iccid === profile.iccid);
              return (
                <span key={profile.id} className="fl-row">
                  <StateBadge state={profile.enabled ? "enabled" : "disabled"} tone={profile.enabled ? "ok" : "idle"} plain />
                  <Ident value={profile.iccid} /> <CarrierLink account={profile.account} />
                  {profile.apn && <span className="fl-dim">APN {profile.apn}</span>}
                  {subscription && (
                    <>
                      <StateBadge state={subscription.state} hint={`The carrier says ${subscription.provider_state ?? "nothing"}`} />
                      <SubscriptionLink subscription={subscription.id}>subscription</SubscriptionLink>
                      <Age at={subscription.observed_at} what="Seen at the carrier" />
                    </>
                  )}
                </span>
              );
            })}
        </div>
      ))}
    </Panel>
  );
}
