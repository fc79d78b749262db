// The journal: who, what, when, where from, why. Newest first and live at the top; any line opens beside the list; the
// chain is verified, exported and explained from here.
import { Button } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { IconArrowUp, IconDownload, IconKey, IconShieldCheck } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { useCallback, useMemo, useRef, useState } from "react";
import { useSession } from "@/api/queries";
import { useFormat } from "@/frame/format";
import { useUrl } from "@/frame/url";
import { type Column, DataTable, Empty, FilterChips, Instant, Problem, Screen, StateBadge } from "@/parts";
import { Between } from "./Between";
import { filtersFrom } from "./filters";
import css from "./journal.module.css";
import { LinePanel } from "./LinePanel";
import { type Line, useLine, useLines } from "./lines";
import { Proof } from "./Proof";
import { type Filter, search } from "./search";
import { Actor, actionWords, digest, Subject, toneOfAction } from "./words";

const columns = (opened: string | undefined): Column<Line>[] => [
  { id: "when", header: "When", width: 176, cell: (line) => <span className={css.moment} data-open={line.id === opened || undefined}><Instant at={line.at} /></span> },
  { id: "who", header: "Who", width: 162, cell: (line) => <Actor actor={line.actor} /> },
  { id: "what", header: "What", width: 176, cell: (line) => <StateBadge state="" plain tone={toneOfAction(line.action)} label={actionWords(line.action)} /> },
  { id: "about", header: "About", width: 196, cell: (line) => <Subject kind={line.subject_kind} id={line.subject_id} name={typeof line.payload.name === "string" && line.subject_kind === "device" ? line.payload.name : undefined} /> },
  {
    id: "why", header: "Why, and with what", width: 240, grow: true,
    cell: (line) => (
      <span className={css.clip} title={line.reason || undefined}>
        {line.reason} <span className="fl-dim">{digest(line.payload)}</span>
      </span>
    ),
  },
  { id: "from", header: "Where from", width: 106, cell: (line) => line.origin.door },
  { id: "evidence", header: "Evidence", width: 84, right: true, hidden: true, cell: (line) => (line.evidence ? line.evidence.count : "–") },
  { id: "seq", header: "Line", width: 74, right: true, cell: (line) => (line.seq === null ? <span className="fl-dim">sealing</span> : line.seq) },
];

export default function JournalScreen() {
  const [url, setUrl] = useUrl(search);
  const format = useFormat();
  const session = useSession();
  const navigate = useNavigate();
  const box = useRef<HTMLDivElement>(null);
  const [atTop, setAtTop] = useState(true);
  const { line: opened, at, show, job, ...filter } = url;
  const wanted = useMemo((): Filter => filter, [JSON.stringify(filter)]); // a new object each time, the same text
  const { pages, waiting, manyWait, takeIn } = useLines(wanted, !atTop);
  const one = useLine(opened, at, pages.rows);
  const filters = useMemo(() => filtersFrom(pages.rows, format, session, wanted), [pages.rows, format, session, wanted]);
  const shown = useMemo(() => columns(opened), [opened]);
  const filtered = Object.keys(filter).length > 0;
  const close = useCallback(() => setUrl({ line: undefined, at: undefined }), [setUrl]);
  useHotkeys([["Escape", () => opened !== undefined && show === undefined && close()]]);

  function toTop() {
    box.current?.querySelector("[role=grid]")?.parentElement?.scrollTo({ top: 0 });
    takeIn();
  }

  return (
    <Screen
      fill
      title="Journal"
      subtitle="Who, what, when, where from, why. A chain of hashes with signed checkpoints: what was written stays as it was."
      actions={
        <>
          <Button variant="default" leftSection={<IconShieldCheck size={14} aria-hidden />} onClick={() => setUrl({ show: "verify" })}>
            Verify
          </Button>
          <Button variant="default" leftSection={<IconDownload size={14} aria-hidden />} onClick={() => setUrl({ show: "export" })}>
            Export
          </Button>
          <Button variant="default" leftSection={<IconKey size={14} aria-hidden />} onClick={() => setUrl({ show: "keys" })}>
            Keys
          </Button>
        </>
      }
    >
      <div className="fl-row">
        <Between url={url} setUrl={setUrl} />
        <FilterChips
          filters={filters}
          values={filter as Record<string, string | undefined>}
          onChange={(patch) => setUrl("subject_kind" in patch && patch.subject_kind === undefined ? { ...patch, subject_id: undefined } : patch)}
        />
      </div>
      <div className={css.page} data-open={opened !== undefined || undefined}>
        <div ref={box} className={css.list} onScrollCapture={(event) => setAtTop((event.target as Element).scrollTop < 4)}>
          <DataTable
            fill
            id="journal"
            label="Lines of the journal"
            noun="lines"
            columns={shown}
            pages={pages}
            rowKey={(line) => line.id}
            onOpen={(line) => setUrl({ line: line.id, at: line.at }, { replace: opened !== undefined })}
            note={
              waiting > 0 && (
                <Button size="compact-xs" variant="light" leftSection={<IconArrowUp size={12} aria-hidden />} onClick={toTop}>
                  {manyWait ? `more than ${format.number(waiting)}` : format.number(waiting)} new {waiting === 1 ? "line" : "lines"}
                </Button>
              )
            }
            empty={
              filtered ? (
                <Empty title="No line is like that" action={<Button variant="default" onClick={() => void navigate({ to: "/journal" })}>Take all filters away</Button>}>
                  The journal has no such line in this time. An actor is matched by its whole id, a subject by kind and whole id.
                </Empty>
              ) : (
                <Empty title="Nothing was written yet">Every decision, import, sign-in and report leaves a line here.</Empty>
              )
            }
          />
        </div>
        {opened !== undefined && one.line && <LinePanel line={one.line} onClose={close} />}
        {opened !== undefined && !one.line && (
          <aside className={css.side} aria-label="The line that is open">
            <div className={css.sideBody}>
              {one.error ? <Problem error={one.error} retry={one.retry} /> : one.missing ? <Empty title="That line is not here" action={<Button variant="default" onClick={close}>Close</Button>}>It may belong to another tenant, or the link is not whole.</Empty> : <span role="status">Reading the line…</span>}
            </div>
          </aside>
        )}
      </div>
      <Proof url={url} setUrl={setUrl} />
    </Screen>
  );
}
