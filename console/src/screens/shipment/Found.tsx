// What the last check found: of the whole shipment, and line by line; each reason with what to do and where it is from.
import { Button } from "@mantine/core";
import type { ShipmentLine, ShipmentReason, ShipmentWhole } from "@/api/shipments";
import { countryName, useFormat } from "@/frame/format";
import { CarrierLink, Empty, Panel, StateBadge, TextLink, wordsOf } from "@/parts";
import css from "./shipment.module.css";

export function Found({ shipment, line, choose }: { shipment: ShipmentWhole; line: number | undefined; choose: (line: number | undefined) => void }) {
  const format = useFormat();
  if (!shipment.checked_at)
    return (
      <Panel title="What was found">
        <Empty title="It has not been checked yet">A check asks what the law of {countryName(shipment.country)} says, which approvals the SKU holds there, and whether anything would carry the devices. Nothing moves by it.</Empty>
      </Panel>
    );
  return (
    <Panel title="What was found" note={shipment.notice}>
      <div className="fl-stack">
        {shipment.reasons.length > 0 && (
          <section className={css.line} aria-label="Of the whole shipment">
            <h3 className={css.head}>Of the whole shipment</h3>
            <Reasons reasons={shipment.reasons} />
          </section>
        )}
        {shipment.lines.map((one) => (
          <section key={one.line} className={css.line} aria-label={`Line ${one.line}`}>
            <h3 className={css.head}>
              {format.number(one.devices)} × {one.sku ?? "no SKU"}, {wordsOf(one.life)}
              <span className="fl-dim">
                <Sims line={one} />
                {one.imei ? "" : ", no IMEI recorded"}
                {one.credential ? "" : ", no credential"}
              </span>
              <Button variant="subtle" size="compact-xs" aria-pressed={line === one.line} onClick={() => choose(line === one.line ? undefined : one.line)}>
                {line === one.line ? "Show all devices" : "Which devices"}
              </Button>
            </h3>
            {one.reasons.length > 0 ? <Reasons reasons={one.reasons} /> : <p className={css.nothing}>Nothing stands against it, as far as is known.</p>}
          </section>
        ))}
      </div>
    </Panel>
  );
}

function Sims({ line }: { line: ShipmentLine }) {
  if (line.sims.length === 0) return <> no SIM</>;
  return (
    <>
      {line.sims.map((sim, place) => (
        <span key={place}>
          {place > 0 && ", "}
          <CarrierLink account={sim.account} /> ({sim.home ? countryName(sim.home) : sim.stateless ? "at home in no country" : "home not known"}
          {sim.used ? ", in use" : sim.enabled ? "" : ", not enabled"}, {wordsOf(sim.state)})
        </span>
      ))}
    </>
  );
}

function Reasons({ reasons }: { reasons: ShipmentReason[] }) {
  return (
    <ul className={css.reasons}>
      {reasons.map((one) => (
        <li key={`${one.code}:${one.about}`}>
          <StateBadge state={one.level} hint={one.stops ? "It stops the shipment" : "It stops nothing, as this tenant judges"} />
          <div>
            <div>{one.says}</div>
            <div className={css.do}>
              <b>Do:</b> {one.do}
            </div>
            {one.rule && (
              <div className="fl-dim">
                <TextLink fz="inherit" underline="always" to="/reference" search={{ tab: "rules", q: one.rule }}>{one.rule}</TextLink>: {one.sources.join("; ")}
                {one.as_of && `, ${one.as_of}`}. Not legal advice.
              </div>
            )}
          </div>
        </li>
      ))}
    </ul>
  );
}
