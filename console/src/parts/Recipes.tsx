// What is done to devices that are alike: steps in order, each with its proof, its undo and its deadline.
import { Tooltip } from "@mantine/core";
import { IconArrowRight } from "@tabler/icons-react";
import type { Recipe, RecipeStep, Situation } from "@/api/plans";
import { countryName, span, useFormat } from "@/frame/format";
import type { Tone } from "@/frame/theme";
import { StateBadge } from "./Badges";
import { CarrierLink } from "./Links";
import css from "./plan.module.css";
import { wordsOf } from "./states";

const UNDO: Record<string, { words: string; tone: Tone; hint: string }> = {
  exact: { words: "exact", tone: "ok", hint: "Taking it back restores the state before, exactly" },
  "forward-only": { words: "forward only", tone: "warn", hint: "It cannot be taken back, only followed by another step" },
  none: { words: "no undo", tone: "bad", hint: "Nothing takes this back" },
};
const PROOF: Record<string, string> = {
  "read-back": "read back from the carrier",
  "session-and-reported": "a session on the new line, and the device's report",
  reported: "the device's report",
  contact: "the device is heard from",
  recorded: "our own record",
  none: "none: acknowledged at best",
};
const ON: Record<string, string> = { target: "the new SIM", current: "the SIM in use", each: "each SIM there", device: "the device" };

export function undoBadge(undo: string) {
  const said = UNDO[undo] ?? { words: wordsOf(undo), tone: "idle" as Tone, hint: "" };
  return <StateBadge state={undo} label={said.words} tone={said.tone} hint={said.hint || undefined} plain />;
}

/** activate at local-br → write to the device */
function stepName(step: RecipeStep) {
  return (
    <>
      <b>{wordsOf(step.verb)}</b> {step.account ? <>at <CarrierLink account={step.account} /></> : step.driver === "shadow" ? "to the device" : step.driver === "registry" ? "in our record" : ""}
    </>
  );
}

export function RecipeSteps({ recipe }: { recipe: Recipe }) {
  if (recipe.blocked !== null) return null;
  if (recipe.steps.length === 0) return <p className="fl-dim" style={{ margin: 0 }}>Nothing has to be asked of anybody: the devices are so already, and it is written down by which policy.</p>;
  return (
    <div className={css.stepsBox}>
      <table className={css.steps}>
        <thead>
          <tr>
            <th scope="col">Step</th>
            <th scope="col">Proof</th>
            <th scope="col">Undo</th>
            <th scope="col">Deadline</th>
          </tr>
        </thead>
        <tbody>
          {recipe.steps.map((step, index) => (
            <tr key={index}>
              <td>
                <span className={css.stepNo}>{index + 1}</span> {stepName(step)}
                <span className="fl-dim">
                  {" "}
                  · {step.on === "device" ? "" : `${ON[step.on] ?? wordsOf(step.on)} · `}
                  {step.facets.map(wordsOf).join(", ")}
                </span>
              </td>
              <td>{PROOF[step.proof] ?? wordsOf(step.proof)}</td>
              <td className={css.undo}>
                {undoBadge(step.undo)}
                {step.undo_verb && <span className="fl-dim"> by {wordsOf(step.undo_verb)}</span>}
              </td>
              <td className="fl-num">{span(step.deadline_s)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {recipe.notes.map((note) => (
        <p key={note} className="fl-dim">
          {note}
        </p>
      ))}
    </div>
  );
}

// Same steps, whichever the account is: "local-br" and "local-tr" do the same thing.
function shapeOf(recipe: Recipe): string {
  return JSON.stringify([recipe.block_code, recipe.steps.map(({ account, ...step }) => [step, Boolean(account)]), recipe.notes]);
}

export interface Alike {
  shape: string;
  recipe: Recipe;
  situations: Situation[];
  devices: number;
}

/** Situations whose recipes are alike, the largest first. */
export function alike(situations: Situation[]): Alike[] {
  const groups = new Map<string, Alike>();
  for (const one of situations) {
    const shape = shapeOf(one.recipe);
    const group = groups.get(shape) ?? { shape, recipe: one.recipe, situations: [], devices: 0 };
    group.situations.push(one);
    group.devices += one.devices;
    groups.set(shape, group);
  }
  return [...groups.values()].sort((a, b) => b.devices - a.devices);
}

export function AlikeGroup({ group }: { group: Alike }) {
  const format = useFormat();
  const same = (index: number, account: string) => group.situations.every((one) => one.recipe.steps[index]?.account === account);
  const recipe = { ...group.recipe, steps: group.recipe.steps.map((step, index) => (same(index, step.account) ? step : { ...step, account: "" })) };
  return (
    <section className={css.alike} data-blocked={group.recipe.blocked !== null || undefined}>
      <h3 className={css.alikeHead}>
        <span className="fl-num">{format.number(group.devices)} devices</span>
        {group.recipe.steps.map((step, index) => (
          <span key={index} className={css.alikeStep}>
            {index > 0 && <IconArrowRight size={13} aria-label="then" />} {wordsOf(step.verb)} {step.driver === "carrier" ? "at the carrier" : step.driver === "shadow" ? "the device's shadow" : "in the registry"}
          </span>
        ))}
        {group.recipe.blocked !== null && <StateBadge state="blocked" label={wordsOf(group.recipe.block_code)} />}
      </h3>
      {group.recipe.blocked !== null && <p className={css.alikeWhy}>{[...new Set(group.situations.map((one) => one.recipe.blocked))].join("; ")}</p>}
      <RecipeSteps recipe={recipe} />
      <ul className={css.members}>
        {group.situations.map((one) => (
          <li key={one.no}>
            <Tooltip label={`${countryName(one.country)}: from ${one.carrier || "no carrier"} to ${one.target ?? "the same"}; changes ${one.facets.map(wordsOf).join(", ")}`}>
              <span tabIndex={0}>
                <b className="fl-num">{format.number(one.devices)}</b> {countryName(one.country)} <span className="fl-dim">{one.carrier || "no carrier"}{one.target && one.target !== one.carrier ? <> → {one.target}</> : null}</span>
              </span>
            </Tooltip>
          </li>
        ))}
      </ul>
    </section>
  );
}
