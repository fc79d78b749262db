// "For device…": the resolved chain of any device, as far as this policy has a part in it.
import { Button, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { type Why, whyQuery } from "@/api/queries";
import { useUrl } from "@/frame/url";
import { Age, ChangeLink, DeviceLink, Loading, Panel, PolicyLink, Problem, StateBadge, TextLink } from "@/parts";
import css from "./policy.module.css";
import { search } from "./search";

interface Because {
  value: unknown;
  policy: string;
  revision: number;
  priority: number;
  removed: boolean;
}

export function ForDevice({ policy }: { policy: string }) {
  const [url, setUrl] = useUrl(search);
  const [typed, setTyped] = useState(url.device ?? "");
  useEffect(() => setTyped(url.device ?? ""), [url.device]);
  return (
    <Panel title="For device…" note="what this policy means for it">
      <form
        className={css.pick}
        onSubmit={(event) => {
          event.preventDefault();
          setUrl({ device: typed.trim() || undefined });
        }}
      >
        <TextInput size="xs" style={{ flex: 1 }} aria-label="Name or id of a device" placeholder="Name or id of a device" value={typed} onChange={(event) => setTyped(event.currentTarget.value)} spellCheck={false} autoComplete="off" />
        <Button type="submit" variant="default">
          Show
        </Button>
      </form>
      {url.device && <Answer key={url.device} policy={policy} device={url.device} />}
    </Panel>
  );
}

function Answer({ policy, device }: { policy: string; device: string }) {
  const why = useQuery(whyQuery(device));
  return (
    <div style={{ marginTop: "0.75rem", fontSize: "var(--mantine-font-size-sm)" }}>
      {why.isPending ? <Loading what={`Reading the chain of ${device}`} /> : why.error ? <Problem error={why.error} retry={why.refetch} /> : <Chain policy={policy} device={device} why={why.data} />}
    </div>
  );
}

function Chain({ policy, device, why }: { policy: string; device: string; why: Why }) {
  const rule = why.in_force.find((one) => one.policy === policy);
  const exceptions = why.exceptions.filter((one) => one.policy === policy);
  const values = Object.entries(why.values).flatMap(([facet, { reasons }]) =>
    Object.entries((reasons ?? {}) as Record<string, Because[]>)
      .filter(([, chain]) => chain.some((one) => one.policy === policy))
      .map(([pointer, chain]) => ({ path: `${facet}${pointer.replaceAll("/", ".")}`, chain })),
  );
  return (
    <div>
      <p className={css.said}>
        <DeviceLink device={device} />{" "}
        {rule ? (
          <>
            stands in revision {rule.revision} of it, at priority {rule.priority}
            {why.in_force.length > 1 && `, with ${why.in_force.length - 1} more`}.
          </>
        ) : exceptions.length > 0 ? (
          "does not stand in it:"
        ) : (
          <>
            does not stand in it, and nothing waits for it: its condition does not hold there, or its Change takes nobody in. {why.in_force.length > 0 && <>In force there: {why.in_force.map((one, index) => <span key={one.policy}>{index > 0 && ", "}<PolicyLink policy={one.policy} /></span>)}.</>}
          </>
        )}
      </p>
      {exceptions.map((one) => (
        <div key={one.why} className="fl-row" style={{ marginTop: "0.375rem" }}>
          <StateBadge state="" tone="warn" label={one.why} /> <Age at={one.since} /> {one.change && <ChangeLink change={one.change}>its Change</ChangeLink>}
        </div>
      ))}
      {values.length > 0 && (
        <div style={{ marginTop: "0.5rem" }}>
          {values.map(({ path, chain }) => (
            <Value key={path} path={path} chain={chain} policy={policy} />
          ))}
        </div>
      )}
      <p style={{ margin: "0.5rem 0 0" }}>
        <TextLink fz="inherit" to="/devices/$ref" params={{ ref: device }} search={{ tab: "why" }}>
          The whole chain of {device}
        </TextLink>
      </p>
    </div>
  );
}

/** Who holds a value is first in its chain; the others were overridden. */
function Value({ path, chain, policy }: { path: string; chain: Because[]; policy: string }) {
  const [holder, ...others] = chain;
  const mine = chain.find((one) => one.policy === policy);
  if (!holder || !mine) return null;
  return (
    <div className={css.value}>
      <span className="fl-dim">{path}</span>
      <span>
        {holder.policy === policy ? (
          <>
            <code>{holder.removed ? "removed" : shown(holder.value)}</code>
            {others.length > 0 && (
              <span className={css.small}>
                {" "}
                over {others.map((one) => `${one.policy} (${one.removed ? "removed" : shown(one.value)})`).join(", ")}
              </span>
            )}
          </>
        ) : (
          <>
            <s className="fl-dim">{mine.removed ? "removed" : shown(mine.value)}</s> overridden by <PolicyLink policy={holder.policy} />: <code>{holder.removed ? "removed" : shown(holder.value)}</code>
          </>
        )}
      </span>
    </div>
  );
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
