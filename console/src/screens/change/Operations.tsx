// Every step that was asked of a carrier or a device, each with the four questions.
import { Button } from "@mantine/core";
import { type ChangeStory, type Operation, operationsPage } from "@/api/changes";
import { usePages } from "@/api/queries";
import { useFormat } from "@/frame/format";
import { useUrl } from "@/frame/url";
import { type Column, DataTable, DeviceLink, Empty, FilterChips, FourTicks, Instant, StateBadge, ticksOfOperation, wordsOf } from "@/parts";
import css from "./change.module.css";
import { OPERATION_STATES, search } from "./search";

export function Operations({ change }: { change: ChangeStory }) {
  const [url, setUrl] = useUrl(search);
  const format = useFormat();
  const filter = { change: change.id, state: url.outcome };
  const pages = usePages<Operation>(["operations", "list", filter], (cursor) => operationsPage(filter, cursor));
  const columns: Column<Operation>[] = [
    { id: "device", header: "Device", width: 130, grow: true, cell: (one) => <DeviceLink device={one.device_name} /> },
    { id: "what", header: "Operation", width: 200, grow: true, cell: (one) => <><b>{wordsOf(one.verb)}</b> <span className="fl-dim">{wordsOf(one.facet)} · {one.driver}</span></> },
    { id: "leg", header: "Way", width: 70, cell: (one) => (one.leg === "forward" ? "on" : "back") },
    { id: "state", header: "State", width: 120, cell: (one) => <StateBadge state={one.state} /> },
    { id: "ticks", header: "Questions", width: 96, cell: (one) => <FourTicks size="compact" ticks={ticksOfOperation(one.state)} /> },
    { id: "reason", header: "Reason", width: 160, grow: true, cell: (one) => <span className="fl-dim">{one.reason ? wordsOf(one.reason) : "–"}</span> },
    { id: "attempt", header: "Attempt", width: 90, right: true, hidden: true, cell: (one) => one.attempt },
    { id: "sent", header: "Sent", width: 168, cell: (one) => <Instant at={one.dispatched_at} never="not yet" /> },
    { id: "settled", header: "Settled", width: 168, cell: (one) => <Instant at={one.settled_at} never="not yet" /> },
    { id: "deadline", header: "Deadline", width: 168, hidden: true, cell: (one) => <Instant at={one.deadline} /> },
  ];
  return (
    <div className="fl-stack">
      <div className="fl-row">
      <FilterChips
        filters={[{ key: "outcome", label: "State", options: OPERATION_STATES.map((value) => ({ value, label: wordsOf(value), count: change.story.operations[value] ?? 0 })) }]}
        values={{ outcome: url.outcome }}
        onChange={(patch) => setUrl({ outcome: search(patch).outcome })}
      />
      </div>
      {(change.story.operations.unknown ?? 0) > 0 && (
        <div className={css.settle}>
          <span>
            Of {format.number(change.story.operations.unknown)} nobody knows what became of them. Their carrier is read where it can be; open one to say it by hand.
          </span>
          {url.outcome !== "unknown" && (
            <Button variant="default" onClick={() => setUrl({ outcome: "unknown" })}>
              Show them
            </Button>
          )}
        </div>
      )}
      <DataTable
        id="change-operations"
        label="Operations"
        noun="operations"
        height={460}
        columns={columns}
        pages={pages}
        rowKey={(one) => one.id}
        onOpen={(one) => one.device_name && setUrl({ device: one.device_name })}
        empty={url.outcome ? <Empty title={`No operation is ${wordsOf(url.outcome)}`}>Take the filter away.</Empty> : <Empty title="Nothing has been asked yet">An operation is one step by one driver on one device; operations are made as moves start.</Empty>}
      />
    </div>
  );
}
