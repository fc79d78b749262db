// Findings, newest first: what insight concluded, about what, how often it was seen, and whether somebody knows.
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { type Finding, findingCountsQuery, findingsPage } from "@/api/findings";
import { usePages } from "@/api/queries";
import { useFormat } from "@/frame/format";
import { useUrl } from "@/frame/url";
import { Age, type Column, DataTable, Empty, type Filter, FilterChips, FindingLink, FindingSubject, Instant, Screen, StateBadge, wordsOf } from "@/parts";
import { FINDING_KINDS, search, SEVERITIES, SUBJECT_KINDS } from "./search";

export default function FindingsScreen() {
  const format = useFormat();
  const navigate = useNavigate();
  const [url, setUrl] = useUrl(search);
  const { state, ...rest } = url;
  const asked = { ...rest, state: state === "any" ? undefined : (state ?? ("live" as const)) };
  const pages = usePages<Finding>(["findings", "list", asked], (cursor) => findingsPage(asked, cursor));
  const counts = useQuery(findingCountsQuery);
  const filters = useMemo((): Filter[] => {
    const found = counts.data;
    return [
      {
        key: "state",
        label: "State",
        options: [
          { value: "open", label: "open", count: found?.open },
          { value: "acknowledged", label: "acknowledged", count: found?.acknowledged },
          { value: "closed", label: "closed" },
          { value: "any", label: "any" },
        ],
      },
      { key: "severity", label: "Severity", options: SEVERITIES.map((value) => ({ value, count: found ? (found.by_severity[value] ?? 0) : undefined })) },
      { key: "kind", label: "Kind", options: FINDING_KINDS.map((value) => ({ value, label: wordsOf(value), count: found ? (found.by_kind[value] ?? 0) : undefined })) },
      { key: "subject_kind", label: "About", options: SUBJECT_KINDS.map((value) => ({ value })) },
      { key: "subject_id", label: "Id or name", more: true },
    ];
  }, [counts.data]);
  const columns = useMemo(
    (): Column<Finding>[] => [
      { id: "severity", header: "Severity", width: 92, sort: (one) => SEVERITIES.indexOf(one.severity), cell: (one) => <StateBadge state={one.severity} /> },
      { id: "title", header: "What", width: 280, grow: true, cell: (one) => <FindingLink finding={one.id}>{one.title}</FindingLink> },
      { id: "subject", header: "About", width: 190, grow: true, cell: (one) => <FindingSubject subject={one.subject} /> },
      { id: "state", header: "State", width: 118, sort: (one) => one.state, cell: (one) => <StateBadge state={one.state} plain /> },
      { id: "opened", header: "Opened", width: 110, sort: (one) => one.opened_at, cell: (one) => <Age at={one.opened_at} /> },
      { id: "seen", header: "Last seen", width: 110, sort: (one) => one.last_seen_at, cell: (one) => <Age at={one.last_seen_at} /> },
      { id: "sightings", header: "Times", width: 70, right: true, sort: (one) => one.sightings, cell: (one) => format.number(one.sightings) },
      { id: "kind", header: "Kind", width: 130, sort: (one) => one.kind, cell: (one) => wordsOf(one.kind) },
      { id: "closed", header: "Closed", width: 168, hidden: true, cell: (one) => <Instant at={one.closed?.at} never="not yet" /> },
      { id: "score", header: "Score", width: 70, right: true, hidden: true, cell: (one) => (one.score === null ? "–" : `${Math.round(one.score * 100)} %`) },
      { id: "id", header: "Id", width: 270, hidden: true, cell: (one) => <code>{one.id}</code> },
    ],
    [format],
  );
  const filtered = Object.keys(url).length > 0;
  return (
    <Screen fill title="Findings" subtitle={state === undefined ? "What insight concluded: open or acknowledged, the newest first" : "What insight concluded, the newest first"}>
      <div className="fl-row">
        <FilterChips filters={filters} values={url} onChange={(patch) => setUrl(Object.fromEntries(Object.keys(patch).map((key) => [key, search(patch)[key as keyof typeof url]])))} />
      </div>
      <DataTable
        fill
        id="findings"
        label="Findings"
        noun="findings"
        columns={columns}
        pages={pages}
        rowKey={(one) => one.id}
        onOpen={(one) => void navigate({ to: "/findings/$finding", params: { finding: one.id } })}
        empty={
          filtered ? (
            <Empty title="No finding is so">Take a filter away to see others.</Empty>
          ) : (
            <Empty title="Nothing was found that is still so">
              A finding opens when something is seen that somebody should know, and closes when it is seen no more. Closed ones are under “State: closed”.
            </Empty>
          )
        }
      />
    </Screen>
  );
}
