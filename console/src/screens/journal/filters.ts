import type { Schemas } from "@/api/client";
import type { Format } from "@/frame/format";
import type { Filter } from "@/parts";
import type { Line } from "./lines";
import { actionWords } from "./words";

// The API's actions; the type keeps each of them a word that the API knows.
const ACTIONS: Schemas["Action"][] = [
  "change.applied", "change.approved", "change.refused", "change.started", "change.paused", "change.resumed", "change.stopped", "change.aborted", "change.settled", "change.closed",
  "plan.made", "stage.opened", "stage.decided", "wave.opened", "wave.admitted", "rollback.started", "rollback.settled", "bar.lifted", "move.batch",
  "operation.batch", "operation.resolved", "command.sent", "command.settled", "observation.batch",
  "policy.created", "policy.revised", "policy.removed", "restriction.set", "restriction.lifted",
  "device.created", "device.changed", "device.retired", "device.quarantined", "ownership.transferred", "device_credential.issued", "device_credential.revoked", "import.applied",
  "carrier.added", "carrier.changed", "carrier.removed",
  "sign_in.succeeded", "sign_in.refused", "sign_out.done", "password.changed", "principal.created", "principal.changed", "principal.removed", "identity.linked", "identity.unlinked", "oidc.configured", "token.created", "token.revoked", "setup_code.created", "setup_code.redeemed",
  "access.read", "export.made", "personal.erased", "key.rotated", "secret.sealed", "secret.rotated", "view.shared", "view.unshared", "clock.changed", "tenant.created",
];
const KINDS = ["change", "plan", "Policy", "device", "carrier", "principal", "token", "import", "journal", "clock", "tenant"];

/** Chips for the journal's filters; what is on screen adds the values it has. */
export function filtersFrom(rows: Line[], format: Format, session: { principal: string; name: string }, set: Partial<Record<string, unknown>>): Filter[] {
  const seen = <T,>(values: T[]) => [...new Set(values)];
  const actors = seen([session.principal, ...rows.map((line) => line.actor)]);
  return [
    { key: "action", label: "What", options: seen([...ACTIONS, ...rows.map((line) => line.action as Schemas["Action"])]).map((value) => ({ value, label: actionWords(value) })), show: actionWords },
    { key: "actor", label: "Who", options: actors.map((value) => ({ value, label: value === session.principal ? `${session.name} (you)` : value })) },
    { key: "subject_kind", label: "About", options: seen([...KINDS, ...rows.map((line) => line.subject_kind)]).map((value) => ({ value, label: value.toLowerCase() })) },
    ...(set.subject_kind !== undefined ? [{ key: "subject_id", label: "Its id" }] : []),
    { key: "change", label: "Change", more: true },
    // set by "When", taken away here
    ...(set.since !== undefined ? [{ key: "since", label: "Since", show: format.instant }] : []),
    ...(set.until !== undefined ? [{ key: "until", label: "Until", show: format.instant }] : []),
  ];
}
