// Server-sent events: each says what kind of thing moved, and the queries about that kind are read anew.
// The truth stays in the answers; an event lost costs time, never correctness.
import { useSyncExternalStore } from "react";
import { queryClient } from "./queries";

export interface LiveEvent {
  kind: string;
  subject?: { kind: string; id: string };
  action?: string;
  at: string;
}

export type Liveness = { state: "live" | "connecting" | "stale"; since: number };

// kind of event -> first words of query keys
const TOUCHES: Record<string, string[]> = {
  journal: ["journal"],
  counts: ["counts", "countries", "forecast"],
  device: ["devices", "operations"],
  change: ["changes", "plans", "operations"],
  bulk: ["bulk", "devices"],
  finding: ["findings"],
  job: ["jobs"],
};
const GATHER_MS = 700; // a storm of events is one refresh
const RETRY_MS = 5_000;
const POLL_MS = 15_000; // while there is no stream, what is on screen is read this often

let source: EventSource | null = null;
let liveness: Liveness = { state: "connecting", since: Date.now() };
let gathered = new Set<string>();
let gathering: ReturnType<typeof setTimeout> | undefined;
let retry: ReturnType<typeof setTimeout> | undefined;
let poll: ReturnType<typeof setInterval> | undefined;
const watchers = new Set<() => void>();
const hearers = new Set<(event: LiveEvent) => void>();

function set(state: Liveness["state"]): void {
  if (liveness.state === state) return;
  liveness = { state, since: Date.now() };
  for (const one of watchers) one();
}

function refresh(): void {
  gathering = undefined;
  const nouns = gathered;
  gathered = new Set();
  for (const noun of nouns) void queryClient.invalidateQueries({ queryKey: [noun], refetchType: "active" });
}

function hear(message: MessageEvent<string>): void {
  let event: LiveEvent;
  try {
    event = JSON.parse(message.data) as LiveEvent;
  } catch {
    return; // not ours
  }
  for (const noun of TOUCHES[event.kind] ?? []) gathered.add(noun);
  gathering ??= setTimeout(refresh, GATHER_MS);
  for (const one of hearers) one(event);
}

function open(): void {
  retry = undefined;
  source = new EventSource("/v1/events");
  source.onopen = () => {
    if (poll !== undefined) clearInterval(poll);
    poll = undefined;
    const missed = liveness.state === "stale";
    set("live");
    if (missed) void queryClient.invalidateQueries({ refetchType: "active" });
  };
  for (const kind of Object.keys(TOUCHES)) source.addEventListener(kind, hear as EventListener);
  source.onerror = () => {
    set("stale");
    poll ??= setInterval(() => {
      for (const noun of ["counts", "changes", "bulk", "findings", "jobs"]) void queryClient.invalidateQueries({ queryKey: [noun], refetchType: "active" });
    }, POLL_MS);
    if (source?.readyState === EventSource.CLOSED) retry ??= setTimeout(open, RETRY_MS);
  };
}

/** Listen while somebody is signed in. */
export function startLive(): () => void {
  open();
  return () => {
    source?.close();
    source = null;
    clearTimeout(retry);
    clearInterval(poll);
    retry = undefined;
    poll = undefined;
  };
}

export function useLiveness(): Liveness {
  return useSyncExternalStore(
    (listener) => {
      watchers.add(listener);
      return () => watchers.delete(listener);
    },
    () => liveness,
  );
}

/** Hear every event: `useEffect(() => onLive((event) => …), [])`. */
export function onLive(hearer: (event: LiveEvent) => void): () => void {
  hearers.add(hearer);
  return () => hearers.delete(hearer);
}
