// Which tone a word of the API has. One table for the whole console; a word that is not here is shown in grey.
import type { Tone } from "@/frame/theme";

const TONE: Record<string, Tone> = {
  // connectivity
  online: "ok", attached: "info", offline: "warn", blocked: "bad",
  // devices
  manufactured: "idle", bootstrapped: "info", active: "ok", quarantined: "bad", retired: "idle",
  // subscriptions
  inventory: "idle", test: "info", ready: "info", standby: "idle", suspended: "warn", deactivated: "idle", terminated: "idle",
  // changes
  draft: "idle", planned: "idle", approved: "info", running: "move", paused: "warn", settled: "ok", standing: "ok", closed: "idle", aborted: "bad",
  // operations and moves
  pending: "idle", waiting: "idle", dispatched: "move", delivered: "move", acknowledged: "info", verified: "ok", kept: "ok",
  failed: "bad", refused: "bad", expired: "warn", superseded: "idle", undoing: "warn", undone: "warn", stuck: "bad", unknown: "warn", barred: "warn", held_out: "idle",
  // batches
  passed: "ok", stopped: "bad", "rolling-back": "warn", "rolled-back": "warn",
  // jobs
  done: "ok", cancelled: "idle",
  // shipments: ready is above, as of a line; left is under way
  left: "move", arrived: "ok", elsewhere: "warn", unseen: "idle",
  // networks
  usual: "ok", suspected: "warn", out: "bad", learning: "info", "too-few": "idle", met: "ok", missed: "bad",
  // roaming stance
  prohibited: "bad", restricted: "warn", conditional: "warn", carrier_policy: "info", permissive: "ok", mandatory: "bad",
  // freshness and confidence
  green: "ok", amber: "warn", red: "bad", high: "ok", medium: "info", low: "warn",
  // people and tokens
  invited: "info", disabled: "idle", revoked: "idle",
  // findings and alerts
  open: "bad", critical: "bad", major: "bad", minor: "warn", info: "info", warning: "warn",
};

export function toneOf(word: string | null | undefined): Tone {
  return (word && TONE[word]) || "idle";
}

/** `carrier_policy` as people read it. */
export function wordsOf(word: string | null | undefined): string {
  return word ? word.replaceAll(/[_-]/g, " ") : "unknown";
}
