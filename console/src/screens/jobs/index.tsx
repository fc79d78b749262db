// Long work that was answered with "later": how far it is, who asked for it, and what came of it.
import { SegmentedControl } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useMemo } from "react";
import { api, type Job, ok, queryClient, usePages } from "@/api/queries";
import { useUrl } from "@/frame/url";
import { Age, Author, type Column, DataTable, Empty, Instant, JobLink, Screen, StateBadge } from "@/parts";
import { Bar } from "./Bar";
import css from "./jobs.module.css";
import { search } from "./search";

const STATES = ["running", "done", "failed", "cancelled"] as const;

export default function JobsScreen() {
  const [url, setUrl] = useUrl(search);
  const navigate = useNavigate();
  const all = usePages<Job>(["jobs", "list"], (cursor) => ok(api.GET("/v1/jobs", { params: { query: { cursor, limit: 200 } } })));
  const rows = useMemo(() => (url.state ? all.rows.filter((one) => one.state === url.state) : all.rows), [all.rows, url.state]);
  const running = all.rows.some((one) => one.state === "running");

  // An event tells when a job moves; while one runs, it is also looked at every two seconds.
  useEffect(() => {
    if (!running) return;
    const timer = setInterval(() => void queryClient.invalidateQueries({ queryKey: ["jobs", "list"] }), 2_000);
    return () => clearInterval(timer);
  }, [running]);

  const columns = useMemo(
    (): Column<Job>[] => [
      { id: "kind", header: "Work", width: 150, sort: (one) => one.kind, cell: (one) => <JobLink job={one.id}>{one.kind}</JobLink> },
      { id: "state", header: "State", width: 110, sort: (one) => one.state, cell: (one) => <StateBadge state={one.state} plain /> },
      { id: "progress", header: "How far", width: 250, cell: (one) => <Bar job={one} /> },
      { id: "attention", header: "What came of it", width: 200, grow: true, cell: (one) => <span className={css.cut} title={one.attention ?? undefined}>{one.attention ?? resultInWords(one) ?? <span className="fl-dim">–</span>}</span> },
      { id: "author", header: "Asked by", width: 130, cell: (one) => <Author id={one.author} /> },
      { id: "created", header: "Asked", width: 168, sort: (one) => one.created_at, cell: (one) => <Instant at={one.created_at} /> },
      { id: "updated", header: "Last moved", width: 110, sort: (one) => one.updated_at, cell: (one) => <Age at={one.updated_at} /> },
      { id: "id", header: "Id", width: 270, hidden: true, cell: (one) => <code>{one.id}</code> },
    ],
    [],
  );

  return (
    <Screen fill title="Jobs" subtitle="Long work: it goes on when you leave, and is found again here.">
      <SegmentedControl size="xs" style={{ alignSelf: "flex-start" }} aria-label="In which state" value={url.state ?? ""} onChange={(state) => setUrl({ state: (state || undefined) as typeof url.state })} data={[{ value: "", label: "All" }, ...STATES.map((state) => ({ value: state, label: state.charAt(0).toUpperCase() + state.slice(1) }))]} />
      <DataTable
        fill
        id="jobs"
        label="Jobs"
        noun="jobs"
        columns={columns}
        pages={{ ...all, rows }}
        rowKey={(one) => one.id}
        onOpen={(one) => void navigate({ to: "/jobs/$job", params: { job: one.id } })}
        note={url.state && all.more ? "of those that are loaded" : undefined}
        empty={
          <Empty title={url.state ? `No job is ${url.state}` : "No long work so far"}>
            A large import, or one asked for with <code>Prefer: respond-async</code>, runs as a job: <code>fairlead import sims sims.csv</code>.
          </Empty>
        }
      />
    </Screen>
  );
}

/** The figures of a result in a line: "created 40, updated 2". */
export function resultInWords(job: Job): string | null {
  const figures = Object.entries(job.result ?? {}).filter(([, value]) => typeof value === "number");
  return figures.length > 0 ? figures.map(([name, value]) => `${name.replaceAll("_", " ")} ${String(value)}`).join(", ") : null;
}
