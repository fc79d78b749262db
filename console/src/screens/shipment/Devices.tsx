// Its devices, and where each was seen since it left: never where it should be.
import { Button } from "@mantine/core";
import { useMemo } from "react";
import { usePages } from "@/api/queries";
import { type ShipmentWhole, type ShippedDevice, shippedPage } from "@/api/shipments";
import { type Column, CountryLink, DataTable, DeviceLink, Empty, Ident, Instant, StateBadge, wordsOf } from "@/parts";
import type { search } from "./search";

type Url = ReturnType<typeof search>;

export function Devices({ shipment, url, setUrl }: { shipment: ShipmentWhole; url: Url; setUrl: (patch: Partial<Url>) => void }) {
  const pages = usePages<ShippedDevice>(["shipments", "devices", shipment.id, url.whereabouts, url.line, shipment.checked_at], (cursor) => shippedPage(shipment.id, url.whereabouts, url.line, cursor));
  const left = shipment.left_at !== null;
  const columns = useMemo(
    (): Column<ShippedDevice>[] => [
      { id: "name", header: "Device", width: 160, grow: true, cell: (one) => <DeviceLink device={one.name} /> },
      { id: "serial", header: "Serial", width: 160, cell: (one) => <Ident value={one.serial} copy={false} /> },
      { id: "line", header: "Line", width: 64, right: true, cell: (one) => one.line ?? "–" },
      { id: "where", header: "Where", width: 120, cell: (one) => (left ? <StateBadge state={one.whereabouts} /> : <span className="fl-dim">has not left</span>) },
      { id: "country", header: "Seen last in", width: 150, cell: (one) => (one.country ? <CountryLink code={one.country} /> : <span className="fl-dim">not seen</span>) },
      { id: "at", header: "Seen", width: 170, cell: (one) => <Instant at={one.seen_at} never="not since it left" /> },
    ],
    [left],
  );
  const narrowed = url.whereabouts !== undefined || url.line !== undefined;
  const all = (
    <Button variant="subtle" color="gray" size="compact-xs" onClick={() => setUrl({ whereabouts: undefined, line: undefined })}>
      Show all
    </Button>
  );
  return (
    <DataTable
      id="shipped"
      label="Devices"
      noun="devices"
      title="Devices"
      columns={columns}
      pages={pages}
      rowKey={(one) => one.id}
      total={narrowed ? undefined : shipment.devices}
      note={narrowed && <span>only {[url.whereabouts && wordsOf(url.whereabouts), url.line && `line ${url.line}`].filter(Boolean).join(", ")} {all}</span>}
      empty={<Empty title="None of its devices" action={narrowed ? all : undefined}>Take the filter away to see all of them.</Empty>}
    />
  );
}
