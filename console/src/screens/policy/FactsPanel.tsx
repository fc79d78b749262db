// The facts that conditions may read, to look up beside the editor or to explain one condition.
import { SegmentedControl, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Loading, Problem, StateBadge } from "@/parts";
import { type Fact, factsIn, factsQuery } from "./api";
import css from "./policy.module.css";

const CONTEXTS = ["device", "country", "network", "session"];

/** Whose facts a kind's conditions read, where one begins to look. */
export const CONTEXT_OF: Record<string, string> = { Policy: "device", Strategy: "country", Steering: "network", SessionPolicy: "session", Grant: "device", UsageRule: "device" };

function FactLine({ fact }: { fact: Fact }) {
  return (
    <li className={css.fact}>
      <span className="fl-row">
        <code>{fact.name}</code>
        <span className="fl-dim">{fact.type}</span>
        {fact.source === "nothing yet" && <StateBadge state="" tone="warn" plain label="nothing feeds it yet" hint="No source reports this fact yet: a condition on it is neither true nor false, so it never matches" />}
      </span>
      <span>{fact.doc}</span>
      <span className={css.small}>
        {[fact.unit, fact.source !== "nothing yet" && `from ${fact.source}`, fact.freshness !== "never" && fact.freshness, fact.values.length > 0 && fact.values.join(", ")].filter(Boolean).join(" · ")}
      </span>
    </li>
  );
}

/** All of them, by context, with a search. */
export function FactsPanel({ context: first }: { context: string }) {
  const facts = useQuery(factsQuery);
  const [context, setContext] = useState(first);
  const [needle, setNeedle] = useState("");
  if (facts.isPending) return <Loading what="Reading the catalogue of facts" />;
  if (facts.error) return <Problem error={facts.error} retry={facts.refetch} />;
  const wanted = needle.trim().toLowerCase();
  const found = facts.data.filter((fact) => fact.context === context && (!wanted || `${fact.name} ${fact.doc}`.toLowerCase().includes(wanted))).sort((a, b) => (a.name < b.name ? -1 : 1));
  return (
    <div className={css.facts}>
      <SegmentedControl size="xs" fullWidth aria-label="Facts of what" value={context} onChange={setContext} data={CONTEXTS} />
      <TextInput size="xs" aria-label="Find a fact" placeholder="Find a fact…" leftSection={<IconSearch size={14} aria-hidden />} value={needle} onChange={(event) => setNeedle(event.currentTarget.value)} />
      <ul className={css.factList} tabIndex={0} aria-label={`Facts of a ${context}`}>
        {found.map((fact) => (
          <FactLine key={fact.name} fact={fact} />
        ))}
        {found.length === 0 && <li className="fl-dim">No fact of a {context} by that name</li>}
      </ul>
    </div>
  );
}

/** What one condition reads, in words. */
export function ReadsFacts({ condition, context }: { condition: string; context: string }) {
  const facts = useQuery(factsQuery);
  const found = facts.data ? factsIn(condition, facts.data, context) : [];
  if (found.length === 0) return null;
  return (
    <ul className={css.factList} data-plain aria-label="What the condition reads">
      {found.map((fact) => (
        <FactLine key={fact.name} fact={fact} />
      ))}
    </ul>
  );
}
