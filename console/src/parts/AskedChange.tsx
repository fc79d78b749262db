// What became of what was asked here: the Change's progress, why devices did not move, and the way to its story. Its
// id is in the URL, so it is still here after a reload and for whoever gets the link.
import { ActionIcon, Tooltip } from "@mantine/core";
import { IconX } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef } from "react";
import { changeQuery } from "@/api/changes";
import { queryClient } from "@/api/queries";
import { useResults } from "@/api/results";
import { useFormat } from "@/frame/format";
import { StateBadge } from "./Badges";
import { ChangeLink, TextLink } from "./Links";
import css from "./parts.module.css";
import { Progress } from "./Progress";
import { Loading, Problem } from "./Says";

const OVER = new Set(["closed", "aborted", "settled", "standing"]);

export function AskedChange({ change, onForget }: { change: string; onForget: () => void }) {
  const format = useFormat();
  const found = useQuery({ ...changeQuery(change), refetchInterval: (query) => (query.state.data && OVER.has(query.state.data.state) ? false : 4_000) });
  const results = useResults(change);
  const moved = JSON.stringify(found.data?.story.moves ?? null);
  const before = useRef(moved);
  useEffect(() => {
    if (before.current === moved) return;
    before.current = moved; // what the rows say is read anew as the Change moves them
    void queryClient.invalidateQueries({ queryKey: ["changes", "results", change] });
    void queryClient.invalidateQueries({ queryKey: ["devices"] });
  }, [moved, change]);
  const whys = useMemo(() => {
    const counted = new Map<string, number>();
    for (const { state, outcome } of results?.values() ?? []) if (outcome && outcome !== state && state !== "verified") counted.set(outcome, (counted.get(outcome) ?? 0) + 1);
    return [...counted].sort(([, a], [, b]) => b - a).slice(0, 3);
  }, [results]);
  return (
    <section className={css.asked} aria-label="What was asked here">
      {found.isPending && <Loading what="Reading the Change" />}
      {found.error && <Problem error={found.error} retry={found.refetch} />}
      {found.data && (
        <>
          <StateBadge state={found.data.state} />
          <ChangeLink change={change}>{found.data.title || change}</ChangeLink>
          <span className={css.askedProgress}>{found.data.state === "planned" ? "It waits for approval; nothing moves until then." : <Progress moves={found.data.story.moves} bare />}</span>
          <TextLink fz="sm" to="/changes/$change" params={{ change }}>
            Each device’s result
          </TextLink>
        </>
      )}
      <Tooltip label="Put it away; the Change goes on">
        <ActionIcon variant="subtle" color="gray" size="sm" aria-label="Put it away" onClick={onForget}>
          <IconX size={14} />
        </ActionIcon>
      </Tooltip>
      {whys.length > 0 && (
        <ul className={css.askedWhys} aria-label="Why devices did not move">
          {whys.map(([why, n]) => (
            <li key={why}>
              {format.number(n)}: {why}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
