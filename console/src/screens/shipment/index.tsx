// One shipment: what the last check found line by line with what to do, the door, and who has been seen there.
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { type ShipmentWhole, shipmentQuery } from "@/api/shipments";
import { useFormat } from "@/frame/format";
import { useUrl } from "@/frame/url";
import { Age, Author, ChangeLink, CountryLink, Facts, type Figure, Figures, Ident, Instant, Loading, Panel, Problem, Screen, StateBadge, TextLink, wordsOf } from "@/parts";
import { Devices } from "./Devices";
import { Door } from "./Door";
import { Found } from "./Found";
import { search } from "./search";

export default function ShipmentScreen() {
  const { shipment: id } = useParams({ from: "/inside/shipments/$shipment" });
  const found = useQuery(shipmentQuery(id));
  if (found.isPending || found.error)
    return (
      <Screen title="Shipment">
        {found.error ? (
          <Panel>
            <Problem error={found.error} retry={found.refetch} />
          </Panel>
        ) : (
          <Loading what="Reading the shipment" />
        )}
      </Screen>
    );
  return <One key={id} shipment={found.data} />;
}

function One({ shipment }: { shipment: ShipmentWhole }) {
  const format = useFormat();
  const [url, setUrl] = useUrl(search);
  const unseen = shipment.devices - shipment.arrived - shipment.elsewhere;
  const figure = (whereabouts: NonNullable<typeof url.whereabouts>, name: string, value: number, tone: Figure["tone"]): Figure => ({
    name,
    value: format.number(value),
    tone,
    pressed: url.whereabouts === whereabouts,
    onClick: () => setUrl({ whereabouts: url.whereabouts === whereabouts ? undefined : whereabouts }),
  });
  return (
    <Screen
      title={`${format.number(shipment.devices)} ${shipment.devices === 1 ? "device" : "devices"} to ${shipment.country}`}
      beside={<StateBadge state={shipment.state} />}
      subtitle={
        <>
          Made by <Author id={shipment.author} /> <Age at={shipment.created_at} /> · <TextLink fz="inherit" underline="always" to="/shipments">All shipments</TextLink>
        </>
      }
      actions={<Door shipment={shipment} />}
    >
      <div className="fl-cols">
        <Panel title="What is sent">
          <Facts
            items={[
              ["To", <CountryLink key="to" code={shipment.country} />],
              ["SKU", shipment.sku ?? "whatever the devices are"],
              ["Leaves", shipment.leaves_on],
              ["Arrives", shipment.overdue ? <StateBadge key="arrives" state="overdue" label={`${shipment.arrives_on}: overdue`} tone="warn" plain /> : shipment.arrives_on],
              ["Route", shipment.route || null],
              ["Note", shipment.note || null],
              ["Id", <Ident key="id" value={shipment.id} />],
            ]}
          />
        </Panel>
        <Panel title="How far">
          <Facts
            items={[
              ["Checked", <Instant key="checked" at={shipment.checked_at} never="not yet" />],
              ["Let pass by", shipment.override ? <span key="override"><Author id={shipment.override.approver} />: {shipment.override.reason}</span> : null],
              ["Left", <Instant key="left" at={shipment.left_at} never="not yet" />],
              ["Activation", shipment.change ? <span key="change"><ChangeLink change={shipment.change}>the Change</ChangeLink> is {wordsOf(shipment.change_state)}; its rollback is the way back</span> : shipment.left_at ? "there was nothing to activate" : activation(shipment, format.number)],
            ]}
          />
        </Panel>
      </div>
      {shipment.left_at && (
        <Figures
          label="Where its devices were seen since it left"
          items={[figure("arrived", "Seen there", shipment.arrived, "ok"), figure("elsewhere", "Seen elsewhere only", shipment.elsewhere, "warn"), figure("unseen", "Not seen yet", unseen, "idle")]}
        />
      )}
      <Found shipment={shipment} line={url.line} choose={(line) => setUrl({ line })} />
      <Devices shipment={shipment} url={url} setUrl={setUrl} />
    </Screen>
  );
}

function activation(shipment: ShipmentWhole, number: (n: number) => string): string | null {
  if (!shipment.checked_at) return null;
  const { devices, left_out } = shipment.activation;
  const rest = Object.entries(left_out).map(([state, count]) => `${number(count)} ${wordsOf(state)} already`);
  return [`leaving activates ${number(devices)}`, ...rest].join(", ");
}
