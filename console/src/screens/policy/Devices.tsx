// The devices of a policy: those in it, those that wait, and those that a rollback keeps out; bars are lifted here.
import { SegmentedControl } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { api, ok, usePages, useWrite } from "@/api/queries";
import { useFormat } from "@/frame/format";
import { useUrl } from "@/frame/url";
import { ActionButton, Age, ChangeLink, type Column, Confirm, DataTable, DeviceLink, Empty } from "@/parts";
import type { Kind, Standing, StandingDevice } from "./api";
import css from "./policy.module.css";
import { search } from "./search";

const STANDINGS: { value: Standing; label: string; none: string; why: string }[] = [
  { value: "in_force", label: "In it", none: "No device stands in it", why: "A device enters when it matches and the Change lets it in." },
  { value: "waiting_in", label: "Wait to enter", none: "No device waits to enter", why: "Where `admit` asks a person or sets a pace, devices that come to match wait here." },
  { value: "waiting_out", label: "Wait to leave", none: "No device waits to leave", why: "Devices for which `until` came true wait here for their turn to move back." },
  { value: "barred", label: "Barred", none: "No device is barred", why: "A device that was rolled back stays out of that revision, until a newer one is kept or the bar is lifted." },
  { value: "held_out", label: "Held out", none: "No device is held out", why: "A Change with a comparison group leaves some devices as they are." },
];

export function Devices({ kind, name, change }: { kind: Kind; name: string; change: string | null }) {
  const [url, setUrl] = useUrl(search);
  const standing = url.standing ?? "in_force";
  return (
    <div className="fl-stack">
      <div className="fl-row">
        <SegmentedControl size="xs" aria-label="In what relation to the policy" value={standing} onChange={(value) => setUrl({ standing: value === "in_force" ? undefined : (value as Standing) })} data={STANDINGS.map(({ value, label }) => ({ value, label }))} />
        {(standing === "waiting_in" || standing === "waiting_out") && change && (
          <span className={css.small}>
            They can be let in at once on <ChangeLink change={change}>the Change</ChangeLink>.
          </span>
        )}
      </div>
      <List key={standing} kind={kind} name={name} standing={standing} />
    </div>
  );
}

function List({ kind, name, standing }: { kind: Kind; name: string; standing: Standing }) {
  const navigate = useNavigate();
  const format = useFormat();
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [asking, setAsking] = useState(false);
  const about = STANDINGS.find((one) => one.value === standing);
  const pages = usePages<StandingDevice>(["policies", "devices", kind, name, standing], (cursor) =>
    ok(api.GET("/v1/policies/{kind}/{name}/devices", { params: { path: { kind, name }, query: { standing, cursor, limit: 200 } } })),
  );
  const lift = useWrite({
    send: (devices: string[], key) => ok(api.POST("/v1/policies/{kind}/{policy}/lift-bars", { params: { path: { kind: "Policy", policy: name }, header: { "Idempotency-Key": key } as never }, body: { devices } })),
    touches: ["policies", "devices"],
    done: (answer) => `${format.number((answer as { lifted?: number }).lifted ?? 0)} bars lifted: they enter as the policy admits them`,
    tellProblem: false,
  });
  const columns = useMemo(
    (): Column<StandingDevice>[] => [
      { id: "name", header: "Device", width: 170, grow: true, sort: (one) => one.name, cell: (one) => <DeviceLink device={one.name} /> },
      { id: "group", header: "Group", width: 150, sort: (one) => one.group, cell: (one) => one.group ?? "–" },
      ...(standing === "in_force"
        ? []
        : [
            { id: "since", header: "Since", width: 130, sort: (one: StandingDevice) => one.since, cell: (one: StandingDevice) => <Age at={one.since} /> },
            { id: "revision", header: "Revision", width: 90, right: true, cell: (one: StandingDevice) => one.revision ?? "–" },
            { id: "change", header: "By", width: 270, cell: (one: StandingDevice) => <ChangeLink change={one.change} /> },
          ]),
    ],
    [standing],
  );
  const chosen = pages.rows.filter((one) => selected.has(one.id));
  return (
    <>
      <DataTable
        id={`policy-devices-${standing === "in_force" ? "in" : "out"}`}
        label={about?.label ?? "Devices"}
        noun="devices"
        height={420}
        columns={columns}
        pages={pages}
        rowKey={(one) => one.id}
        onOpen={(one) => void navigate({ to: "/devices/$ref", params: { ref: one.name }, search: { tab: "why" } })}
        selection={standing === "barred" ? { selected, onChange: setSelected } : undefined}
        tools={
          standing === "barred" && (
            <ActionButton permission="policies.write" size="compact-xs" reason={chosen.length === 0 ? "choose devices first" : undefined} onClick={() => setAsking(true)}>
              Lift {chosen.length > 0 ? `${format.number(chosen.length)} bars` : "bars"}…
            </ActionButton>
          )
        }
        empty={<Empty title={about?.none ?? ""}>{about?.why}</Empty>}
      />
      <Confirm
        opened={asking}
        onClose={() => setAsking(false)}
        title={`Let barred devices in again`}
        action="Lift the bars"
        danger={false}
        touches={[{ name: chosen.length === 1 ? "device" : "devices", value: format.number(chosen.length) }]}
        onConfirm={async () => {
          await lift.mutateAsync(chosen.map((one) => one.name));
          setSelected(new Set());
        }}
      >
        They were rolled back out of {name}. Without the bar they enter again, as the policy&apos;s <code>admit</code> says: at once, at its pace, or when a person lets them in.
      </Confirm>
    </>
  );
}
