// Every rule in force here: those that decide the stance first, then by topic. Rules that contradict each other stand
// side by side in one frame, none is dropped.
import type { Schemas } from "@/api/client";
import { useFormat } from "@/frame/format";
import { Empty, Panel, RuleCard, wordsOf, type RuleBrief } from "@/parts";
import css from "./country.module.css";

/** Rules tied by disputes, in the order of the first of them. */
function groups(rules: RuleBrief[]): RuleBrief[][] {
  const by = new Map(rules.map((rule) => [rule.id, rule]));
  const taken = new Set<string>();
  const made: RuleBrief[][] = [];
  for (const rule of rules) {
    if (taken.has(rule.id)) continue;
    const group: RuleBrief[] = [];
    const queue = [rule.id];
    while (queue.length > 0) {
      const id = queue.shift() as string;
      const one = by.get(id);
      if (!one || taken.has(id)) continue;
      taken.add(id);
      group.push(one);
      queue.push(...one.disputes, ...rules.filter((other) => other.disputes.includes(id)).map((other) => other.id));
    }
    made.push(group);
  }
  return made;
}

export function Rules({ country }: { country: Schemas["CountryDetails"] }) {
  const format = useFormat();
  if (country.rules.length === 0)
    return (
      <Panel title="Rules">
        <Empty title="Nobody has read a rule of this country">Its stance is unknown: a warning, never a permission. Rule packs are part of each version; a rule that you know of can be proposed to them.</Empty>
      </Panel>
    );
  const behind = new Set(country.behind);
  const ordered = [...country.rules].sort((a, b) => Number(behind.has(b.id)) - Number(behind.has(a.id)) || a.topic.localeCompare(b.topic) || a.id.localeCompare(b.id));
  const tied = groups(ordered);
  const disputed = tied.filter((group) => group.length > 1);
  const others = tied.filter((group) => group.length === 1).flat();
  const note = (rule: RuleBrief) => (behind.has(rule.id) ? "Behind the stance." : undefined);
  return (
    <>
      {disputed.map((group) => (
        <Panel key={group[0]?.id} title={`Contradictory: ${[...new Set(group.map((rule) => wordsOf(rule.topic)))].join(" and ")}`} note="sources that say otherwise, side by side; the strictest decides" flush>
          <div className={css.rules}>
            {group.map((rule) => (
              <div key={rule.id} id={rule.id} className={css.anchor}>
                <RuleCard rule={rule} where={rule.jurisdiction !== country.code} note={note(rule)} />
              </div>
            ))}
          </div>
        </Panel>
      ))}
      <Panel title="Rules" note={`${format.number(others.length)} ${disputed.length > 0 ? "more " : ""}in force`} flush>
        <div className={css.rules}>
          {others.map((rule) => (
            <div key={rule.id} id={rule.id} className={css.anchor}>
              <RuleCard rule={rule} where={rule.jurisdiction !== country.code} note={note(rule)} />
            </div>
          ))}
        </div>
      </Panel>
    </>
  );
}
