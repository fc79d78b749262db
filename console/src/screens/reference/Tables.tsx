// The mission's tables: a list at the left, one table at the right; a search shows the rows that have it, of all tables.
import { UnstyledButton } from "@mantine/core";
import { useQueries } from "@tanstack/react-query";
import { useFormat } from "@/frame/format";
import { Empty, Loading, Panel, Problem, wordsOf } from "@/parts";
import { has, type Reference, type Table, tableQuery } from "./queries";
import css from "./reference.module.css";
import type { Url } from "./search";

interface Props {
  known: Reference;
  url: Url;
  setUrl: (patch: Partial<Url>) => void;
}

export function Tables({ known, url, setUrl }: Props) {
  const format = useFormat();
  const found = useQueries({ queries: known.tables.map((one) => tableQuery(one.name)) });
  const error = found.find((one) => one.error)?.error;
  const tables = found.map((one) => one.data).filter((one): one is Table => one !== undefined);
  const matching = tables.map((table) => ({ table, rows: table.items.filter((row) => has([table.title, ...Object.values(row)], url.q)) })).filter((one) => one.rows.length > 0);
  const chosen = matching.find((one) => one.table.name === url.table) ?? matching[0];

  if (error) return <Panel><Problem error={error} retry={() => Promise.all(found.map((one) => one.refetch()))} /></Panel>;
  if (tables.length < known.tables.length) return <Panel><Loading what="Reading the tables" /></Panel>;
  if (!chosen)
    return (
      <Panel>
        <Empty title={`No table has “${url.q}”`}>The search looks for every word, in titles and rows. Rules and facts are searched in their own tabs.</Empty>
      </Panel>
    );
  return (
    <div className={css.tables}>
      <nav className={css.list} aria-label="Tables">
        {matching.map(({ table, rows }) => (
          <UnstyledButton key={table.name} className={css.entry} aria-current={table.name === chosen.table.name ? "true" : undefined} onClick={() => setUrl({ table: table.name })}>
            <span>{table.title}</span>
            <span className={css.count}>{url.q ? `${rows.length} of ${table.rows}` : table.rows}</span>
          </UnstyledButton>
        ))}
      </nav>
      <Panel title={chosen.table.title} flush>
        <div className={css.scroll} tabIndex={0} role="region" aria-label={`Rows of ${chosen.table.title}`}>
          <table className={css.table}>
            <thead>
              <tr>
                {chosen.table.columns.map((column) => (
                  <th key={column} scope="col">
                    {capital(wordsOf(column))}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {chosen.rows.map((row, index) => (
                <tr key={index}>
                  {chosen.table.columns.map((column, place) => (place === 0 ? <th key={column} scope="row">{row[column]}</th> : <td key={column}>{row[column] || "–"}</td>))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        <div className={css.source}>
          {chosen.table.note && <p>{chosen.table.note}</p>}
          Source: {chosen.table.source.name}, read {format.date(chosen.table.source.date)}
          {chosen.table.source.licence ? `, ${chosen.table.source.licence}` : ""}
        </div>
      </Panel>
    </div>
  );
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
