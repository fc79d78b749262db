// The baseline: seven questions, each figure with its source, age and share unknown, each finding with its members.
import { Button } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { api, ok, type Schemas } from "@/api/client";
import { parseSearch, stringifySearch } from "@/frame/url";
import { type Format, useFormat } from "@/frame/format";
import { Age, Loading, Panel, Problem } from "@/parts";
import css from "./baseline.module.css";

type Section = Schemas["SectionShown"];
type FigureShown = Schemas["FigureShown"];
type Finding = Schemas["BaselineFinding"];

const SCREENS: Record<string, string> = { fleet: "/fleet", connectivity: "/connectivity" };

export function Baseline({ silentDays }: { silentDays: number | undefined }) {
  const asked = silentDays && silentDays <= 365 ? silentDays : undefined;
  const read = useQuery({ queryKey: ["baseline", asked], queryFn: () => ok(api.GET("/v1/reports/baseline", { params: { query: { silent_days: asked } } })), staleTime: 300_000 });
  if (read.isPending) return <Loading what="Counting the fleet against the register" />;
  if (read.error) return <Panel><Problem error={read.error} retry={read.refetch} /></Panel>;
  const found = read.data;
  const href = `/v1/reports/baseline${stringifySearch({ silent_days: asked })}`;
  return (
    <>
      <div className={css.bar}>
        <span>
          Counted <Age at={found.at} /> · silent after {found.silent_days} days · contracts {found.notice_days} days ahead
        </span>
        <span className={css.tools}>
          <Button variant="default" onClick={() => void read.refetch()} loading={read.isFetching}>
            Count again
          </Button>
          <Button component="a" variant="default" href={href} download="baseline.json" leftSection={<IconDownload size={14} aria-hidden />}>
            JSON
          </Button>
        </span>
      </div>
      <div className="fl-stack">
        {found.sections.map((section) => (
          <Part key={section.key} section={section} />
        ))}
        <p className={css.note}>{found.notice}</p>
      </div>
    </>
  );
}

function Part({ section }: { section: Section }) {
  const format = useFormat();
  return (
    <Panel title={section.title}>
      <div className={css.figures}>
        {section.figures.map((one) => (
          <Number key={one.name} one={one} format={format} />
        ))}
      </div>
      {section.findings.length === 0 ? (
        <p className={css.nothing}>{section.figures.every((one) => one.value === null) ? "Nothing can be said yet: see below what it would need." : "Nothing found in what is known."}</p>
      ) : (
        <ul className={css.findings}>
          {section.findings.map((one) => (
            <Line key={one.says} one={one} format={format} />
          ))}
        </ul>
      )}
      {section.more > 0 && <p className={css.nothing}>… and {format.number(section.more)} more: ask the API or <code>fairlead report baseline</code>.</p>}
      <p className={css.note}>{section.note}</p>
    </Panel>
  );
}

function Number({ one, format }: { one: FigureShown; format: Format }) {
  const value = one.value === null ? "not known" : one.unit === "bytes" ? format.bytes(one.value) : format.number(one.value);
  return (
    <div className={css.figure}>
      <span className={css.name}>{one.name}</span>
      <span className={one.value === null ? css.unknown : css.value}>
        {value} {one.value !== null && one.unit !== "bytes" && <small>{one.unit}</small>}
      </span>
      <span className={css.source}>
        {one.source}
        {one.as_of && (
          <>
            {" "}
            · <Age at={one.as_of} what={one.source} />
          </>
        )}
      </span>
      {one.unknown > 0 && (
        <span className={css.share}>
          not known for {format.number(one.unknown)} of {format.number(one.of)} ({one.unknown_percent} %)
        </span>
      )}
    </div>
  );
}

function Line({ one, format }: { one: Finding; format: Format }) {
  const to = SCREENS[one.link.screen] ?? "/fleet";
  const fees = Object.entries(one.monthly);
  return (
    <li className={css.finding}>
      <span className={css.says}>{one.says}.</span>
      <span className={css.fees}>
        {fees.map(([currency, amount]) => `${format.money(amount, currency)} a month`).join(", ")}
        {one.unpriced > 0 && `${fees.length > 0 ? "; " : ""}${format.number(one.unpriced)} without a price`}
      </span>
      <Link to={to} search={parseSearch(one.link.query) as never} className={css.members}>
        {one.unit === "contracts" ? "The record" : `${format.number(one.members)} ${one.unit}`}
        {!one.link.exact && " and others"}
      </Link>
    </li>
  );
}

