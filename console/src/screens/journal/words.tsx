// Actors, actions and subjects of the journal as people read them, each with its link.
import { useSession } from "@/api/queries";
import type { Tone } from "@/frame/theme";
import { CarrierLink, ChangeLink, DeviceLink, FindingLink, Ident, PlanLink, PolicyLink, wordsOf } from "@/parts";
import type { Line } from "./lines";
import css from "./journal.module.css";

/** `change.applied` as "change applied". */
export function actionWords(action: string): string {
  return wordsOf(action.replaceAll(".", " "));
}

const LOUD: [RegExp, Tone][] = [
  [/refused|aborted|tampered/, "bad"],
  [/rollback|quarantined|revoked|paused|stopped|erased|removed/, "warn"],
  [/applied|started|opened|admitted|resumed|approved/, "move"],
  [/settled|closed|decided/, "ok"],
  [/read|export/, "info"],
];

export function toneOfAction(action: string): Tone {
  return LOUD.find(([word]) => word.test(action))?.[1] ?? "idle";
}

/** Who: a person, a token, a policy that acts by itself, or a part of Fairlead. */
export function Actor({ actor, copy }: { actor: string; copy?: boolean }) {
  const session = useSession();
  if (actor === session.principal) return <span>{session.name} (you)</span>;
  const policy = /^policy\/(.+)@(\d+)$/.exec(actor);
  if (policy) return <span>policy <PolicyLink policy={policy[1]}>{policy[1]}</PolicyLink> revision {policy[2]}</span>;
  if (actor.startsWith("system/")) return <span>Fairlead: {wordsOf(actor.slice(7))}</span>;
  const kind = actor.startsWith("tok_") ? "token " : actor.startsWith("usr_") ? "person " : "";
  return (
    <span title={actor}>
      {kind}
      {copy ? <Ident value={actor} /> : <span className={css.id}>{short(actor)}</span>}
    </span>
  );
}

/** About what: with a link where the console has a page for it. */
export function Subject({ kind, id, whole, name }: { kind: string; id: string; whole?: boolean; name?: string }) {
  const shown = name ?? (whole ? id : short(id));
  const text = <span className={css.id}>{shown}</span>;
  const link = () => {
    switch (kind) {
      case "device":
        return <DeviceLink device={id}>{text}</DeviceLink>;
      case "change":
        return <ChangeLink change={id}>{text}</ChangeLink>;
      case "plan":
        return <PlanLink plan={id}>{text}</PlanLink>;
      case "carrier":
        return <CarrierLink account={id}>{text}</CarrierLink>;
      case "finding":
        return <FindingLink finding={id}>{text}</FindingLink>;
      case "Policy":
      case "Strategy":
      case "Config":
        return <PolicyLink kind={kind} policy={id}>{text}</PolicyLink>;
      default:
        return text;
    }
  };
  return (
    <span title={id}>
      {wordsOf(kind.toLowerCase())} {link()}
    </span>
  );
}

/** A printed id with its middle left out; names stay whole. */
export function short(id: string): string {
  const made = /^([a-z]{2,5}_)[0-9a-z]{20,}$/.exec(id);
  if (made) return `${made[1]}…${id.slice(-6)}`;
  return /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(id) ? `${id.slice(0, 8)}…` : id;
}

/** What the payload says, in one line: names and plain values, as they come. */
export function digest(payload: Line["payload"]): string {
  return Object.entries(payload)
    .flatMap(([name, value]): string[] => {
      if (value === null || typeof value === "object") {
        if (Array.isArray(value)) return value.length > 0 && value.every((one) => typeof one !== "object") ? [`${wordsOf(name)} ${value.join(", ")}`] : [];
        return value ? Object.entries(value).filter(([, inner]) => typeof inner !== "object").map(([word, inner]) => `${wordsOf(word)} ${String(inner)}`) : [];
      }
      return [`${wordsOf(name)} ${String(value)}`];
    })
    .join(" · ");
}
