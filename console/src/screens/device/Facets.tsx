// The one view: facet by facet what should be, what is, since when, who wants it so, and how far it is.
// A row opens into both documents, path by path, and the steps under way.
import { UnstyledButton } from "@mantine/core";
import { IconChevronDown, IconChevronRight } from "@tabler/icons-react";
import { Fragment } from "react";
import type { DeviceDetails } from "@/api/queries";
import { Age, ChangeLink, Compare, Instant, Panel, PolicyLink, StateBadge, wordsOf } from "@/parts";
import css from "./device.module.css";
import { FACETS, type Facet, reachOf, words } from "./reach";

interface Props {
  device: DeviceDetails;
  zone: string | null;
  open: string | undefined;
  onOpen: (facet: string | undefined) => void;
}

export function Facets({ device, zone, open, onOpen }: Props) {
  const byName = new Map(device.facets.map((one) => [one.facet, one]));
  const known = FACETS.map((one) => one.facet);
  const all = [...FACETS, ...device.facets.filter((one) => !known.includes(one.facet)).map((one) => ({ facet: one.facet, name: wordsOf(one.facet), keys: [] as string[] }))];
  return (
    <Panel title="Desired and observed" note="every facet: who wants it so, since when, and how far it is" flush>
      <div className={css.boardBox} tabIndex={0} role="region" aria-label="Desired and observed, facet by facet">
        <table className={css.board}>
          <thead>
            <tr>
              <th scope="col">Facet</th>
              <th scope="col">Is</th>
              <th scope="col">Desired</th>
              <th scope="col">Observed</th>
              <th scope="col">Since</th>
              <th scope="col">By</th>
            </tr>
          </thead>
          <tbody>
            {all.map(({ facet, name, keys }) => {
              const one = byName.get(facet);
              const elsewhere = observedElsewhere(facet, device);
              const reach = reachOf(one, elsewhere !== undefined);
              const opened = open === facet;
              return (
                <Fragment key={facet}>
                  <tr data-open={opened || undefined}>
                    <th scope="row">
                      <UnstyledButton className={css.facetName} aria-expanded={opened} disabled={!one} onClick={() => onOpen(opened ? undefined : facet)}>
                        {one ? opened ? <IconChevronDown size={14} aria-hidden /> : <IconChevronRight size={14} aria-hidden /> : <span className={css.facetNone} />}
                        {name}
                      </UnstyledButton>
                    </th>
                    <td>
                      <StateBadge state={reach.word} label={reach.word} tone={reach.tone} hint={reach.hint} />
                      {one?.move && <Step facet={one} zone={zone} />}
                    </td>
                    <td>
                      <Line document={one?.desired} keys={keys} none={one ? "nothing" : "–"} lead={facet === "config" && one?.desired ? `generation ${one.generation}` : undefined} />
                    </td>
                    <td>
                      <Line document={one?.reported} keys={keys} none={elsewhere ?? (one ? "not reported" : "–")} seen={elsewhere !== undefined} tail={facet === "config" && device.facts.config_hash ? `hash ${device.facts.config_hash.slice(0, 8)}` : undefined} />
                      {one?.reported_at && (
                        <div className={css.small}>
                          <Age at={one.reported_at} zone={zone} what="The device's own report" />
                        </div>
                      )}
                    </td>
                    <td>{one?.changed_at ? <Age at={one.changed_at} zone={zone} what="Desired so since" /> : <span className="fl-dim">–</span>}</td>
                    <td>
                      <By facet={one} />
                    </td>
                  </tr>
                  {opened && one && (
                    <tr className={css.opened}>
                      <td colSpan={6}>
                        {one.move && <Steps facet={one} zone={zone} />}
                        <Compare names={["Desired", "Observed"]} left={one.desired} right={one.reported} mark="both" />
                        {!one.proved && one.verified !== null && one.verified !== undefined && (
                          <p className={css.small}>What was proved last: <code>{JSON.stringify(one.verified)}</code></p>
                        )}
                        <p className={css.small}>
                          Generation {one.generation} is wanted, {one.offered_generation} was offered, {one.observed_generation} is what the device has.
                          {one.reported_version !== null && <> Its report is version {one.reported_version}.</>}
                        </p>
                      </td>
                    </tr>
                  )}
                </Fragment>
              );
            })}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}

/** What others than the device's shadow have seen of it. */
function observedElsewhere(facet: string, device: DeviceDetails): string | undefined {
  if (facet === "life") return device.state;
  if (facet === "subscription" && device.facts.subscription_state) return `${device.facts.subscription_state}${device.facts.plan ? `, plan ${device.facts.plan}` : ""}`;
  if (facet === "firmware" && device.facts.firmware) return device.facts.firmware;
  if (facet === "credential") return device.has_secret ? "MQTT secret issued" : undefined;
  return undefined;
}

function Line({ document, keys, none, seen, lead, tail }: { document: unknown; keys: string[]; none: string; seen?: boolean; lead?: string; tail?: string }) {
  const { shown, more } = words(document, keys);
  if (shown.length === 0 && !lead && !tail) return <span className={seen ? undefined : "fl-dim"}>{none}</span>;
  return (
    <span className={css.line}>
      {lead && <b>{lead}</b>}
      {shown.map((one, index) => (
        <span key={one.name || index} title={`${one.name} ${one.value}`}>
          {one.name && !keys.includes(one.name) && <span className={css.key}>{one.name} </span>}
          {one.value}
        </span>
      ))}
      {more > 0 && <span className={css.key}>and {more} more</span>}
      {tail && <span className={css.key}>{tail}</span>}
    </span>
  );
}

function By({ facet }: { facet: Facet | undefined }) {
  if (!facet || (facet.policies.length === 0 && !facet.change)) return <span className="fl-dim">nobody</span>;
  return (
    <span className={css.by}>
      {facet.policies.map((policy) => (
        <PolicyLink key={policy} policy={policy.split("@")[0]}>
          {policy}
        </PolicyLink>
      ))}
      {facet.change && (
        <ChangeLink change={facet.change}>
          <span className={css.small}>{facet.move ? facet.move.title || "its Change" : "its Change"}</span>
        </ChangeLink>
      )}
    </span>
  );
}

function Step({ facet, zone }: { facet: Facet; zone: string | null }) {
  const move = facet.move;
  if (!move) return null;
  const step = move.steps.find((one) => one.now);
  return (
    <div className={css.small}>
      step {Math.min(move.step, move.of)} of {move.of}
      {step ? `: ${step.driver} ${step.verb}` : ", to be settled"}
      {move.deadline && (
        <>
          , until <Instant at={move.deadline} zone={zone} />
        </>
      )}
    </div>
  );
}

function Steps({ facet, zone }: { facet: Facet; zone: string | null }) {
  const move = facet.move;
  if (!move) return null;
  return (
    <div className={css.steps}>
      <div className={css.small}>
        <ChangeLink change={move.change}>{move.title || move.change}</ChangeLink> · the move is {wordsOf(move.state)}
        {move.direction === "back" && " and going back"} · opened <Age at={move.opened_at} zone={zone} />
        {move.attempt > 1 && <> · attempt {move.attempt}</>}
        {move.operations.length > 0 && <> · operations: {move.operations.map(wordsOf).join(", ")}</>}
      </div>
      <ol aria-label="Steps of the move">
        {move.steps.map((step) => (
          <li key={step.no} data-now={step.now || undefined} data-done={step.no < move.step || undefined} aria-current={step.now ? "step" : undefined}>
            <b>
              {step.driver} {step.verb}
            </b>
            <span>on {step.on}</span>
            <span>proof: {step.proof}</span>
            <span>undo: {step.undo}</span>
          </li>
        ))}
      </ol>
    </div>
  );
}
