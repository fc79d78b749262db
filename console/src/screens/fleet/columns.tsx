import type { Device } from "@/api/queries";
import type { Results } from "@/api/results";
import { countryName } from "@/frame/format";
import { Age, Became, CarrierLink, type Column, CountryLink, DaysLeft, DeviceLink, Ident, StateBadge } from "@/parts";

/** `results`: what became of each device in the Change that was asked for here. */
export function columnsOf(results: Results | undefined): Column<Device>[] {
  const result: Column<Device>[] = results ? [{ id: "result", header: "Result", width: 112, cell: (device) => <Became result={results.get(device.name)} /> }] : [];
  const [name, ...rest] = COLUMNS;
  return name ? [name, ...result, ...rest] : result;
}

const COLUMNS: Column<Device>[] = [
  { id: "name", header: "Device", width: 124, cell: (device) => <DeviceLink device={device.name} /> },
  { id: "connectivity", header: "Connectivity", width: 110, cell: (device) => <StateBadge state={device.facts.connectivity} plain /> },
  { id: "country", header: "Country", width: 116, grow: true, cell: (device) => (device.facts.country ? <CountryLink code={device.facts.country}>{countryName(device.facts.country)}</CountryLink> : <span className="fl-dim">unknown</span>) },
  { id: "stance", header: "Roaming rules", width: 132, cell: (device) => <StateBadge state={device.facts.law_stance} plain /> },
  { id: "clock", header: "Roaming clock", width: 126, cell: (device) => <DaysLeft at={device.facts.breach_at} /> },
  { id: "network", header: "Network", width: 86, cell: (device) => device.facts.plmn ?? "–" },
  { id: "carrier", header: "Carrier account", width: 130, cell: (device) => <CarrierLink account={device.facts.carrier} /> },
  { id: "place", header: "Place seen", width: 104, cell: (device) => <Age at={device.facts.place_at} what={`Observed by ${device.facts.place_source ?? "nobody"}`} /> },
  { id: "contact", header: "Last heard", width: 110, cell: (device) => <Age at={device.facts.last_contact_at} what="The device itself" /> },
  { id: "firmware", header: "Firmware", width: 88, cell: (device) => device.facts.firmware ?? "–" },
  { id: "state", header: "State", width: 120, hidden: true, cell: (device) => <StateBadge state={device.state} plain /> },
  { id: "sku", header: "SKU", width: 120, hidden: true, cell: (device) => device.sku ?? "–" },
  { id: "group", header: "Group", width: 130, hidden: true, cell: (device) => device.group ?? "–" },
  { id: "region", header: "Region", width: 110, hidden: true, cell: (device) => device.region ?? "–" },
  { id: "batch", header: "Batch", width: 110, hidden: true, cell: (device) => device.batch ?? "–" },
  { id: "serial", header: "Serial", width: 140, hidden: true, cell: (device) => <Ident value={device.serial} copy={false} /> },
  { id: "imei", header: "IMEI", width: 150, hidden: true, cell: (device) => <Ident value={device.imei} copy={false} /> },
  { id: "iccid", header: "ICCID in use", width: 190, hidden: true, cell: (device) => <Ident value={device.facts.iccid} copy={false} /> },
  { id: "eid", header: "EID", width: 270, hidden: true, cell: (device) => <Ident value={device.eid} copy={false} /> },
  { id: "subscription", header: "Subscription", width: 120, hidden: true, cell: (device) => <StateBadge state={device.facts.subscription_state} plain /> },
  { id: "plan", header: "Plan", width: 140, hidden: true, cell: (device) => device.facts.plan ?? "–" },
];
