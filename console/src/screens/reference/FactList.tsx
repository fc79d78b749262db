// The facts that a condition of a policy may read: by context, with type, unit, source and how fresh they are.
import { useQuery } from "@tanstack/react-query";
import { Empty, FilterChips, Loading, Panel, Problem, wordsOf } from "@/parts";
import { type Fact, factsQuery, has } from "./queries";
import css from "./reference.module.css";
import type { Url } from "./search";

export function FactList({ url, setUrl }: { url: Url; setUrl: (patch: Partial<Url>) => void }) {
  const facts = useQuery(factsQuery);
  if (facts.error) return <Panel><Problem error={facts.error} retry={facts.refetch} /></Panel>;
  if (facts.isPending) return <Panel><Loading what="Reading the fact catalogue" /></Panel>;
  const contexts = [...new Set(facts.data.map((fact) => fact.context))];
  const shown = facts.data.filter((fact) => (url.context === undefined || fact.context === url.context) && has([fact.name, fact.doc, fact.type, fact.source, ...fact.values], url.q));
  return (
    <div className="fl-stack">
      <div className="fl-row"><FilterChips
        filters={[{ key: "context", label: "Context", options: contexts.map((value) => ({ value, count: facts.data.filter((fact) => fact.context === value).length })) }]}
        values={{ context: url.context }}
        onChange={(patch) => setUrl(patch as Partial<Url>)}
      /></div>
      {shown.length === 0 && (
        <Panel>
          <Empty title={`No fact has “${url.q}”`}>A condition can read only what is listed here.</Empty>
        </Panel>
      )}
      {contexts.map((context) => {
        const rows = shown.filter((fact) => fact.context === context);
        if (rows.length === 0) return null;
        return (
          <Panel key={context} title={`Facts of a ${wordsOf(context)}`} note={`${rows.length}`} flush>
            <div className={css.scroll} tabIndex={0} role="region" aria-label={`Facts of ${context}`}>
              <table className={css.table}>
                <thead>
                  <tr>
                    <th scope="col" style={{ width: "20%" }}>Name</th>
                    <th scope="col" style={{ width: "14%" }}>Type</th>
                    <th scope="col">What it is</th>
                    <th scope="col" style={{ width: "12%" }}>Source</th>
                    <th scope="col" style={{ width: "13%" }}>Renewed</th>
                  </tr>
                </thead>
                <tbody>
                  {rows.map((fact) => (
                    <Row key={fact.name} fact={fact} />
                  ))}
                </tbody>
              </table>
            </div>
          </Panel>
        );
      })}
    </div>
  );
}

function Row({ fact }: { fact: Fact }) {
  return (
    <tr>
      <th scope="row">
        <code>{fact.name}</code>
      </th>
      <td>
        {fact.type}
        {fact.unit && ` (${fact.unit})`}
      </td>
      <td>
        {fact.doc}
        {fact.values.length > 0 && <div className={css.values}>{fact.values.map((value) => <code key={value}>{value}</code>)}</div>}
      </td>
      <td>{fact.source}</td>
      <td>{fact.freshness}</td>
    </tr>
  );
}
