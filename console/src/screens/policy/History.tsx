// Every revision that was ever applied, and any two of them side by side.
import { Select } from "@mantine/core";
import { Author, ChangeLink, Empty, Instant, Panel, StateBadge } from "@/parts";
import { useUrl } from "@/frame/url";
import type { PolicyHistory, Revision } from "./api";
import { Beside } from "./code";
import css from "./policy.module.css";
import { search } from "./search";
import { useKnown } from "./useCheck";

export function History({ policy }: { policy: PolicyHistory }) {
  const [url, setUrl] = useUrl(search);
  const known = useKnown();
  const { revisions } = policy;
  const newest = revisions[0];
  const find = (number: number | undefined) => revisions.find((one) => one.number === number);
  const right = find(url.right) ?? newest;
  const left = find(url.left) ?? revisions.find((one) => right && one.number < right.number);
  const choices = revisions.map((one) => ({ value: String(one.number), label: nameOf(one) }));
  return (
    <div className="fl-stack">
      <Panel title="Revisions" note="the newest first" flush>
        <div className={css.scroll}>
          <table className={css.table}>
            <thead>
              <tr>
                <th scope="col">Revision</th>
                <th scope="col">State</th>
                <th scope="col">Applied</th>
                <th scope="col">Author</th>
                <th scope="col">Change</th>
                <th scope="col">Reason</th>
              </tr>
            </thead>
            <tbody>
              {revisions.map((one) => (
                <tr key={one.number}>
                  <th scope="row">{one.number}</th>
                  <td>
                    <StateBadge state={one.state} plain hint={STATES[one.state]} /> {one.removed && <span className="fl-dim">removal</span>}
                  </td>
                  <td>
                    <Instant at={one.created_at} />
                  </td>
                  <td>
                    <Author id={one.author} />
                  </td>
                  <td>
                    <ChangeLink change={one.change} />
                  </td>
                  <td>{one.about.reason ?? "–"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </Panel>
      <Panel title="Two revisions side by side" flush>
        {revisions.length < 2 || !left || !right ? (
          <div style={{ padding: "0.75rem 0.875rem" }}>
            <Empty title="There is one revision so far">When another is applied, the two can be compared here, line by line.</Empty>
          </div>
        ) : (
          <>
            <div className={css.pick} style={{ padding: "0.625rem 0.875rem" }}>
              <Select size="xs" label="Left" w={260} data={choices} value={String(left.number)} allowDeselect={false} onChange={(value) => setUrl({ left: Number(value) })} />
              <Select size="xs" label="Right" w={260} data={choices} value={String(right.number)} allowDeselect={false} onChange={(value) => setUrl({ right: Number(value) })} />
            </div>
            <div className={css.names}>
              <span>{nameOf(left)}</span>
              <span>{nameOf(right)}</span>
            </div>
            {left.text === right.text ? (
              <div style={{ padding: "0.75rem 0.875rem" }}>
                <Empty title="The two have the same text">{right.removed ? "The newer one is the removal of the other." : left.number === right.number ? "It is one and the same revision." : "Only their Changes differ."}</Empty>
              </div>
            ) : (
              <div className={css.beside}>
                <Beside left={left.text} right={right.text} labels={[`Text of revision ${left.number}`, `Text of revision ${right.number}`]} known={known} />
              </div>
            )}
          </>
        )}
      </Panel>
    </div>
  );
}

const STATES: Record<Revision["state"], string> = {
  proposed: "Of a plan that was not applied",
  trial: "Owned by one open Change; in force only on the devices that it admitted",
  kept: "In force on whom it matches",
  superseded: "A newer one was kept",
  dropped: "Its Change was taken back whole",
};

function nameOf(one: Revision): string {
  return `Revision ${one.number}, ${one.removed ? "removal, " : ""}${one.state}`;
}
