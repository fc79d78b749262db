// What became of each line: its state, why, and what the carrier answered; a line opens beside the table with all of it.
import { Button, Drawer, Text } from "@mantine/core";
import { useEffect, useMemo, useRef } from "react";
import { type Bulk, type BulkLine, linesPage, verbLabel } from "@/api/bulk";
import { queryClient, usePages } from "@/api/queries";
import { useFormat } from "@/frame/format";
import { CarrierLink, type Column, DataTable, DeviceLink, Empty, Facts, Ident, Instant, Json, Panel, StateBadge, SubscriptionLink, wordsOf } from "@/parts";
import css from "./bulk.module.css";
import type { search } from "./search";

type Url = ReturnType<typeof search>;

export function Lines({ bulk, url, setUrl }: { bulk: Bulk; url: Url; setUrl: (patch: Partial<Url>, how?: { replace?: boolean }) => void }) {
  const format = useFormat();
  const pages = usePages<BulkLine>(["bulk", "lines", bulk.id, url.state], (cursor) => linesPage(bulk.id, url.state, cursor));
  const moved = JSON.stringify(bulk.by_state);
  const before = useRef(moved);
  useEffect(() => {
    if (before.current === moved) return;
    before.current = moved; // the rows are read anew as the counts move
    void queryClient.invalidateQueries({ queryKey: ["bulk", "lines", bulk.id] });
  }, [moved, bulk.id]);
  const undo = bulk.verb === "undo";
  const columns = useMemo(
    (): Column<BulkLine>[] => [
      { id: "iccid", header: "ICCID", width: 180, cell: (one) => <SubscriptionLink subscription={one.iccid}><Ident value={one.iccid} copy={false} /></SubscriptionLink> },
      { id: "account", header: "Account", width: 116, cell: (one) => <CarrierLink account={one.account} /> },
      { id: "device", header: "Device", width: 110, cell: (one) => (one.device ? <DeviceLink device={one.device} /> : <span className="fl-dim">in none</span>) },
      ...(undo ? [{ id: "verb", header: "Asked", width: 120, cell: (one: BulkLine) => verbLabel(one.verb) }] : []),
      { id: "state", header: "State", width: 124, cell: (one) => <StateBadge state={one.state} /> },
      { id: "reason", header: "Why", width: 170, grow: true, cell: (one) => <span className={css.cut} title={why(one) ?? undefined}>{why(one) ?? <span className="fl-dim">–</span>}</span> },
      { id: "said", header: "The carrier said", width: 190, grow: true, cell: (one) => <span className={css.cut} title={answered(one) ?? undefined}>{answered(one) ?? <span className="fl-dim">–</span>}</span> },
      { id: "before", header: "Was", width: 104, cell: (one) => (typeof one.before.state === "string" ? <StateBadge state={one.before.state} plain /> : "–") },
      { id: "settled", header: "Settled", width: 160, cell: (one) => <Instant at={one.settled_at} never="not yet" /> },
      { id: "operation", header: "Operation", width: 270, hidden: true, cell: (one) => <code>{one.operation}</code> },
    ],
    [undo],
  );
  const open = url.line ? pages.rows.find((one) => one.operation === url.line) : undefined;
  return (
    <>
      <DataTable
        fill
        id="bulk-lines"
        label="Lines"
        noun="lines"
        title="Lines"
        columns={columns}
        pages={pages}
        rowKey={(one) => one.operation}
        total={url.state ? bulk.by_state[url.state] : bulk.lines}
        onOpen={(one) => setUrl({ line: one.operation })}
        note={
          url.state && (
            <span>
              only those that are {wordsOf(url.state)}{" "}
              <Button variant="subtle" color="gray" size="compact-xs" onClick={() => setUrl({ state: undefined })}>
                Show all
              </Button>
            </span>
          )
        }
        empty={url.state ? <Empty title={`No line is ${wordsOf(url.state)}`} action={<Button variant="default" onClick={() => setUrl({ state: undefined })}>Show all {format.number(bulk.lines)}</Button>} /> : <Empty title="It has no lines">Nothing of what it was to take back had been changed.</Empty>}
      />
      <Drawer opened={open !== undefined} onClose={() => setUrl({ line: undefined })} position="right" size="min(36rem, 94vw)" title={<Text fw={600}>{open ? `${open.iccid} in this bulk action` : ""}</Text>} styles={{ content: { background: "var(--fl-page)" }, header: { background: "var(--fl-page)", borderBottom: "1px solid var(--fl-line)" }, body: { paddingTop: 16 } }} closeButtonProps={{ "aria-label": "Close" }}>
        {open && <Whole line={open} />}
      </Drawer>
    </>
  );
}

function Whole({ line }: { line: BulkLine }) {
  return (
    <div className="fl-stack">
      <Panel title="The line" right={<StateBadge state={line.state} />}>
        <Facts
          items={[
            ["SIM", <SubscriptionLink key="sim" subscription={line.iccid} />],
            ["Account", <CarrierLink key="account" account={line.account} />],
            ["Device", line.device ? <DeviceLink key="device" device={line.device} /> : "in none"],
            ["Asked", verbLabel(line.verb)],
            ["Why it is so", why(line)],
            ["Settled", <Instant key="settled" at={line.settled_at} never="not yet" />],
            ["Operation", <Ident key="op" value={line.operation} />],
          ]}
        />
      </Panel>
      <Panel title="What the carrier said" note="the newest evidence, as it is kept">
        {Object.keys(line.said).length > 0 ? <Json value={line.said} label="The answer as it is kept" /> : <Empty title="Nothing yet">It is said here when the carrier has answered.</Empty>}
      </Panel>
      <Panel title="Before" note="what the carrier showed when it was asked">
        <Json value={line.before} label="As it was, in full" />
      </Panel>
    </div>
  );
}

/** The reason in words; for a line that was so already, that. */
function why(line: BulkLine): string | null {
  if (line.reason) return wordsOf(line.reason);
  return line.said.fact === "already" ? "was so already" : null;
}

/** Status, code and words of the carrier's own answer, without the request it was given to: that is in the drawer. */
function answered(line: BulkLine): string | null {
  const words = line.said.said ?? line.said.provider_state;
  const parts = [line.said.status, line.said.code, typeof words === "string" ? words.replace(/^[A-Z]+ \/\S*: /, "") : words].filter((part) => typeof part === "string" || typeof part === "number");
  return parts.length > 0 ? parts.join(" ") : null;
}
