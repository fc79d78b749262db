// Bulk actions, newest first: what was asked of how many lines, and how far each is.
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useMemo } from "react";
import { argumentsInWords, type Bulk, bulkPage, selectedInWords, verbLabel } from "@/api/bulk";
import { queryClient, usePages } from "@/api/queries";
import { useFormat } from "@/frame/format";
import { Age, Author, BulkLink, BulkProgress, type Column, DataTable, Empty, Instant, StateBadge } from "@/parts";
import css from "./connectivity.module.css";

export function Bulks() {
  const format = useFormat();
  const navigate = useNavigate();
  const pages = usePages<Bulk>(["bulk", "list"], (cursor) => bulkPage(cursor));
  const running = pages.rows.some((one) => one.state === "running");

  // An event tells when lines settle; while one runs, it is also looked at every three seconds.
  useEffect(() => {
    if (!running) return;
    const timer = setInterval(() => void queryClient.invalidateQueries({ queryKey: ["bulk", "list"] }), 3_000);
    return () => clearInterval(timer);
  }, [running]);

  const columns = useMemo((): Column<Bulk>[] => {
    const asked = (one: Bulk) => argumentsInWords(one.arguments, format.bytes);
    return [
      { id: "verb", header: "What", width: 210, grow: true, cell: (one) => <span className={css.cut}><BulkLink bulk={one.id}>{verbLabel(one.verb)}</BulkLink>{asked(one) && <span className="fl-dim"> {asked(one)}</span>}</span> },
      { id: "state", header: "State", width: 104, sort: (one) => one.state, cell: (one) => <StateBadge state={one.state} /> },
      { id: "lines", header: "Lines", width: 72, right: true, sort: (one) => one.lines, cell: (one) => format.number(one.lines) },
      { id: "progress", header: "How far", width: 260, grow: true, cell: (one) => <BulkProgress counts={one.by_state} bare /> },
      { id: "reason", header: "Reason", width: 170, grow: true, cell: (one) => <span className={css.cut} title={one.reason}>{one.reason || <span className="fl-dim">none</span>}</span> },
      { id: "selected", header: "Which lines", width: 170, grow: true, cell: (one) => <span className={css.cut} title={selectedInWords(one.selected, format.number)}>{selectedInWords(one.selected, format.number)}</span> },
      { id: "author", header: "Asked by", width: 120, cell: (one) => <Author id={one.author} /> },
      { id: "created", header: "Asked", width: 110, sort: (one) => one.created_at, cell: (one) => <Age at={one.created_at} /> },
      { id: "settled", header: "Ended", width: 168, hidden: true, cell: (one) => <Instant at={one.settled_at} never="not yet" /> },
      { id: "id", header: "Id", width: 270, hidden: true, cell: (one) => <code>{one.id}</code> },
    ];
  }, [format]);

  return (
    <DataTable
      fill
      id="bulks"
      label="Bulk actions"
      noun="bulk actions"
      columns={columns}
      pages={pages}
      rowKey={(one) => one.id}
      onOpen={(one) => void navigate({ to: "/bulk/$bulk", params: { bulk: one.id } })}
      empty={
        <Empty title="No bulk action so far">
          Choose SIMs, or set filters, under SIMs and press “Act on SIMs”; or <code>fairlead bulk suspend --from iccids.txt --dry-run</code>. Before anything is asked you see what it would be at each carrier.
        </Empty>
      }
    />
  );
}
