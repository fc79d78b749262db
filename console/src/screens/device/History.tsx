// Everything that happened to the device, in one order: network, subscription, its facets, Changes, people and findings.
// Each entry says what it follows from where that is known; choosing one marks its causes and what followed.
import { Button, Chip, Tooltip, UnstyledButton } from "@mantine/core";
import { IconArrowBackUp, IconCornerDownRight } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef } from "react";
import { api, ok, type Schemas } from "@/api/client";
import { useFormat } from "@/frame/format";
import type { Tone } from "@/frame/theme";
import { ChangeLink, Empty, Loading, Panel, PolicyLink, Problem, wordsOf } from "@/parts";
import css from "./device.module.css";

type Entry = Schemas["EntryShown"];

const KINDS: { kind: string; tone: Tone }[] = [
  { kind: "network", tone: "info" },
  { kind: "subscription", tone: "info" },
  { kind: "config", tone: "ok" },
  { kind: "firmware", tone: "ok" },
  { kind: "flags", tone: "ok" },
  { kind: "credential", tone: "ok" },
  { kind: "traffic", tone: "ok" },
  { kind: "life", tone: "ok" },
  { kind: "change", tone: "move" },
  { kind: "people", tone: "idle" },
  { kind: "finding", tone: "warn" },
];
const ENDED_BADLY = /refused|failed|expired|undone|barred/;

interface Props {
  title?: string;
  device: string;
  zone: string | null;
  kinds: string[] | undefined;
  onKinds: (kinds: string[] | undefined) => void;
  entry: string | undefined;
  onEntry: (entry: string | undefined) => void;
}

export function History({ title = "What happened", device, zone, kinds, onKinds, entry, onEntry }: Props) {
  const format = useFormat(zone);
  const asked = kinds?.filter((one) => KINDS.some(({ kind }) => kind === one));
  const found = useInfiniteQuery({
    queryKey: ["devices", "timeline", device, asked],
    queryFn: ({ pageParam }) => ok(api.GET("/v1/devices/{ref}/timeline", { params: { path: { ref: device }, query: { limit: 60, before: pageParam, kinds: asked?.join(",") } } })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
    placeholderData: (before) => before,
  });
  const entries = useMemo(() => found.data?.pages.flatMap((page) => page.items) ?? [], [found.data]);
  const byId = useMemo(() => new Map(entries.map((one) => [one.id, one])), [entries]);
  const chain = useMemo(() => chainOf(entry, byId), [entry, byId]);
  const leftOut = found.data?.pages[0]?.left_out ?? [];

  const box = useRef<HTMLOListElement>(null);
  const shownOnce = useRef(false);
  useEffect(() => {
    if (shownOnce.current || !entry || !byId.has(entry)) return;
    shownOnce.current = true; // whoever opens a link to an entry is led to it
    show(entry);
  });

  function show(id: string) {
    const row = [...(box.current?.children ?? [])].find((one) => (one as HTMLElement).dataset.id === id) as HTMLElement | undefined;
    row?.scrollIntoView({ block: "center" });
    row?.querySelector("button")?.focus({ preventScroll: true });
  }

  return (
    <Panel
      title={title}
      note={found.data ? `${format.number(entries.length)} ${entries.length === 1 ? "entry" : "entries"}, newest first${found.hasNextPage ? ", earlier ones below" : ""}` : undefined}
      right={
        entry && (
          <Button variant="subtle" color="gray" size="compact-xs" onClick={() => onEntry(undefined)}>
            Mark nothing
          </Button>
        )
      }
    >
      <div className={css.kinds} role="group" aria-label="Kinds of entries">
        <Chip.Group multiple value={asked ?? KINDS.map(({ kind }) => kind)} onChange={(chosen) => onKinds(chosen.length === 0 || chosen.length === KINDS.length ? undefined : chosen)}>
          {KINDS.map(({ kind }) => (
            <Chip key={kind} value={kind} size="xs" radius="sm" variant="outline" disabled={leftOut.includes(kind)}>
              {kind}
            </Chip>
          ))}
        </Chip.Group>
        {asked && (
          <Button variant="subtle" color="gray" size="compact-xs" onClick={() => onKinds(undefined)}>
            All kinds
          </Button>
        )}
        {!asked && (
          <Button variant="subtle" color="gray" size="compact-xs" onClick={() => onKinds(["change", "people"])}>
            Only decisions
          </Button>
        )}
      </div>
      {leftOut.length > 0 && <p className={css.small}>Left out: {leftOut.join(", ")}. Your roles do not let you read {leftOut.length === 1 ? "it" : "them"}: people are told from the journal, which needs journal.read; findings need findings.read.</p>}
      {found.isPending && <Loading what="Reading what happened" />}
      {found.error && <Problem error={found.error} retry={found.refetch} />}
      {found.data && entries.length === 0 && <Empty title="Nothing of this kind happened">Sessions, presence, reports of the device, operations and people's deeds appear here as they come.</Empty>}
      <ol ref={box} className={css.history} aria-label="What happened, newest first" data-chain={chain.size > 0 || undefined}>
        {entries.map((one, index) => {
          const day = format.date(one.at);
          const newDay = index === 0 || format.date(entries[index - 1]?.at) !== day;
          return (
            <li key={one.id} data-id={one.id} data-mark={one.id === entry ? "chosen" : chain.has(one.id) ? "chain" : undefined}>
              {newDay && <div className={css.day}>{day}</div>}
              <div className={css.entry}>
                <Tooltip label={format.exact(one.at)}>
                  <time className={css.entryTime} dateTime={one.at}>
                    {format.second(one.at)}
                  </time>
                </Tooltip>
                <span className={css.entryKind} style={{ "--tone": `var(--fl-${toneOfEntry(one)})` } as React.CSSProperties}>
                  {one.kind}
                </span>
                <div className={css.entryBody}>
                  <UnstyledButton className={css.entryTitle} aria-pressed={one.id === entry} onClick={() => onEntry(one.id === entry ? undefined : one.id)}>
                    {one.title}
                  </UnstyledButton>
                  <div className={css.entryFrom}>
                    <Cause entry={one} byId={byId} onShow={(id) => { onEntry(one.id); show(id); }} />
                    <span>said by {one.source}</span>
                    {one.policies.map((policy) => (
                      <PolicyLink key={policy} policy={policy.split("@")[0]}>
                        {policy}
                      </PolicyLink>
                    ))}
                    {one.change && <ChangeLink change={one.change}>its Change</ChangeLink>}
                    <Detail entry={one} />
                  </div>
                </div>
              </div>
            </li>
          );
        })}
      </ol>
      {found.hasNextPage && (
        <Button variant="default" mt="sm" loading={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
          Earlier
        </Button>
      )}
      {found.data && !found.hasNextPage && entries.length > 0 && <p className={css.small}>This is the beginning of what is kept. Of reports only the newest of each facet is.</p>}
    </Panel>
  );
}

function toneOfEntry(entry: Entry): Tone {
  const state = String(entry.detail.state ?? "");
  if (ENDED_BADLY.test(state) && /:end$/.test(entry.id)) return "bad";
  return KINDS.find(({ kind }) => kind === entry.kind)?.tone ?? "idle";
}

function Cause({ entry, byId, onShow }: { entry: Entry; byId: Map<string, Entry>; onShow: (id: string) => void }) {
  if (!entry.cause) return null;
  if (entry.cause.startsWith("chg_"))
    return (
      <span className={css.cause}>
        <IconCornerDownRight size={12} aria-hidden /> because of <ChangeLink change={entry.cause}>a Change</ChangeLink>
      </span>
    );
  const cause = byId.get(entry.cause);
  if (!cause)
    return (
      <Tooltip label="It is further back, or of a kind that is not shown">
        <span className={css.cause} tabIndex={0}>
          <IconCornerDownRight size={12} aria-hidden /> follows from an entry that is not shown
        </span>
      </Tooltip>
    );
  return (
    <UnstyledButton className={css.cause} data-link onClick={() => onShow(cause.id)}>
      <IconArrowBackUp size={12} aria-hidden /> because: {cause.title}
    </UnstyledButton>
  );
}

const SAID_ALREADY = new Set(["facets", "leg", "generation"]);

function Detail({ entry }: { entry: Entry }) {
  const facts = Object.entries(entry.detail).filter(([name, value]) => value !== null && value !== undefined && !SAID_ALREADY.has(name));
  if (facts.length === 0) return null;
  return (
    <details className={css.detail}>
      <summary>details</summary>
      <dl>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{wordsOf(name)}</dt>
            <dd>{typeof value === "string" ? value : JSON.stringify(value)}</dd>
          </div>
        ))}
        {entry.operation && (
          <div>
            <dt>operation</dt>
            <dd>{entry.operation}</dd>
          </div>
        )}
      </dl>
    </details>
  );
}

/** An entry's causes, back to the first, and everything that followed from it. */
function chainOf(id: string | undefined, byId: Map<string, Entry>): Set<string> {
  const found = new Set<string>();
  if (!id || !byId.has(id)) return found;
  for (let at: string | null | undefined = id; at && byId.has(at) && !found.has(at); at = byId.get(at)?.cause) found.add(at);
  const follow = [id];
  for (let next = follow.pop(); next !== undefined; next = follow.pop())
    for (const one of byId.values())
      if (one.cause === next && !found.has(one.id)) {
        found.add(one.id);
        follow.push(one.id);
      }
  return found;
}
