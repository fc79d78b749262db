// One piece of long work. Its address is all that is needed to find it again: a reload loses nothing.
import { useParams } from "@tanstack/react-router";
import { useJob } from "@/api/queries";
import { Age, Author, Empty, Facts, Ident, Instant, Json, Loading, Panel, Problem, Screen, StateBadge, TextLink } from "@/parts";
import { Bar } from "../jobs/Bar";
import css from "../policy/policy.module.css";

export default function JobScreen() {
  const { job: id } = useParams({ from: "/inside/jobs/$job" });
  const job = useJob(id);
  if (job.isPending)
    return (
      <Screen title="Job">
        <Loading what="Reading the job" />
      </Screen>
    );
  if (job.error)
    return (
      <Screen title="Job">
        <Panel>
          <Problem error={job.error} retry={job.refetch} />
        </Panel>
      </Screen>
    );
  const one = job.data;
  const { faults, ...result } = (one.result ?? {}) as Record<string, unknown>;
  const figures = Object.entries(result).filter(([, value]) => value === null || typeof value !== "object");
  const rest = Object.fromEntries(Object.entries(result).filter(([, value]) => value !== null && typeof value === "object" && Object.keys(value).length > 0));
  return (
    <Screen
      title={capital(one.kind)}
      beside={<StateBadge state={one.state} />}
      subtitle={
        <>
          Asked by <Author id={one.author} /> <Age at={one.created_at} /> · <TextLink fz="inherit" underline="always" to="/jobs">All jobs</TextLink>
        </>
      }
    >
      <Panel title="How far" note={one.state === "running" ? "it goes on when you leave" : undefined}>
        <Bar job={one} wide />
      </Panel>
      {one.attention && (
        <Panel title="Why it failed">
          <p style={{ margin: 0, overflowWrap: "anywhere" }}>{one.attention}</p>
        </Panel>
      )}
      {Array.isArray(faults) && faults.length > 0 && <Faults faults={faults as Fault[]} />}
      <div className="fl-cols">
        <Panel title="What came of it">
          {one.result === null ? (
            one.state === "running" ? <Empty title="Nothing yet">It is said here when it is done.</Empty> : <Empty title="Nothing">It ended without a result.</Empty>
          ) : (
            <div className="fl-stack">
              {figures.length > 0 && <Facts items={figures.map(([name, value]) => [name.replaceAll("_", " "), value === null ? null : String(value)])} />}
              {Object.keys(rest).length > 0 && <Json value={rest} label="The rest of the result" />}
            </div>
          )}
        </Panel>
        <Panel title="The job">
          <Facts
            items={[
              ["Id", <Ident key="id" value={one.id} />],
              ["Asked", <Instant key="asked" at={one.created_at} />],
              ["Last moved", <Instant key="moved" at={one.updated_at} />],
            ]}
          />
        </Panel>
      </div>
    </Screen>
  );
}

interface Fault {
  line?: number;
  column?: string;
  value?: unknown;
  expected?: string;
}

/** What an import found wrong, cell by cell. */
function Faults({ faults }: { faults: Fault[] }) {
  return (
    <Panel title="What is wrong in the file" note="nothing was applied" flush>
      <div className={css.scroll}>
        <table className={css.table}>
          <thead>
            <tr>
              <th scope="col">Line</th>
              <th scope="col">Column</th>
              <th scope="col">Has</th>
              <th scope="col">Expected</th>
            </tr>
          </thead>
          <tbody>
            {faults.map((fault, index) => (
              <tr key={index}>
                <td>{fault.line ?? "–"}</td>
                <td>{fault.column ?? "–"}</td>
                <td>
                  <code>{String(fault.value ?? "")}</code>
                </td>
                <td>{fault.expected ?? "–"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
