// All shipments, newest first: where each goes, whether it may leave, how many of it have been seen there.
import { Button, Modal } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { usePages } from "@/api/queries";
import { SHIPMENT_STATES, type Shipment, shipmentsPage, useMayShip } from "@/api/shipments";
import { useFormat } from "@/frame/format";
import { useUrl } from "@/frame/url";
import { ActionButton, Age, Author, type Column, CountryLink, DataTable, Empty, FilterChips, Screen, ShipmentLink, StateBadge, wordsOf } from "@/parts";
import { NewShipment } from "./NewShipment";
import { search } from "./search";

const FILTERS = [{ key: "state", label: "State", options: SHIPMENT_STATES.map((value) => ({ value, label: wordsOf(value) })) }];

export default function ShipmentsScreen() {
  const [url, setUrl] = useUrl(search);
  const [making, setMaking] = useState(false);
  const navigate = useNavigate();
  const format = useFormat();
  const mayMake = useMayShip("plans.make");
  const pages = usePages<Shipment>(["shipments", "list", url.state], (cursor) => shipmentsPage(url.state, cursor));
  const columns = useMemo(
    (): Column<Shipment>[] => [
      { id: "to", header: "To", width: 150, grow: true, cell: (one) => <CountryLink code={one.country} /> },
      { id: "state", header: "State", width: 104, cell: (one) => <StateBadge state={one.state} /> },
      { id: "devices", header: "Devices", width: 84, right: true, cell: (one) => format.number(one.devices) },
      { id: "seen", header: "Seen there", width: 150, cell: (one) => <Seen shipment={one} /> },
      { id: "leaves", header: "Leaves", width: 104, cell: (one) => one.leaves_on },
      { id: "arrives", header: "Arrives", width: 130, cell: (one) => (one.overdue ? <StateBadge state="overdue" label={`${one.arrives_on}, overdue`} tone="warn" plain /> : one.arrives_on) },
      { id: "sku", header: "SKU", width: 110, cell: (one) => one.sku ?? <span className="fl-dim">any</span> },
      { id: "note", header: "Note", width: 190, grow: true, cell: (one) => one.note || <span className="fl-dim">none</span> },
      { id: "author", header: "Made by", width: 120, cell: (one) => <Author id={one.author} /> },
      { id: "made", header: "Made", width: 110, cell: (one) => <Age at={one.created_at} /> },
      { id: "id", header: "Id", width: 270, cell: (one) => <ShipmentLink shipment={one.id} /> },
    ],
    [format],
  );
  return (
    <Screen
      fill
      title="Shipments"
      subtitle="What leaves for a country: checked before, activated at the door, counted on arrival"
      actions={
        <ActionButton variant="filled" reason={mayMake} onClick={() => setMaking(true)}>
          New shipment…
        </ActionButton>
      }
    >
      <div className="fl-row">
        <FilterChips filters={FILTERS} values={{ state: url.state }} onChange={(patch) => setUrl(search(patch))} />
      </div>
      <DataTable
        fill
        id="shipments"
        label="Shipments"
        noun="shipments"
        columns={columns}
        pages={pages}
        rowKey={(one) => one.id}
        onOpen={(one) => void navigate({ to: "/shipments/$shipment", params: { shipment: one.id } })}
        empty={
          url.state ? (
            <Empty title={`No shipment is ${wordsOf(url.state)}`} action={<Button variant="default" onClick={() => setUrl({ state: undefined })}>Show all</Button>} />
          ) : (
            <Empty title="Nothing has been sent yet">
              Say which devices leave for which country, here or by <code>fairlead shipment create BR --from box.txt --leaves 2027-03-01</code>. Law, certificates and a way in are checked before it leaves.
            </Empty>
          )
        }
      />
      <Modal opened={making} onClose={() => setMaking(false)} title="New shipment" size="lg">
        <NewShipment onLeave={() => setMaking(false)} onDone={(made) => void navigate({ to: "/shipments/$shipment", params: { shipment: made.id } })} />
      </Modal>
    </Screen>
  );
}

function Seen({ shipment }: { shipment: Shipment }) {
  const format = useFormat();
  if (!shipment.left_at) return <span className="fl-dim">has not left</span>;
  return (
    <span>
      {format.number(shipment.arrived)} of {format.number(shipment.devices)}
      {shipment.elsewhere > 0 && `, ${format.number(shipment.elsewhere)} elsewhere`}
    </span>
  );
}
