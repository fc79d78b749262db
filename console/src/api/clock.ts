// What time it is in the house. In the lab its clock runs at another rate, so an age is measured against it,
// never against the browser's.
import { queryOptions, useQuery } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { api, ok } from "./client";

export const clockQuery = queryOptions({
  queryKey: ["clock"],
  queryFn: async () => ({ ...(await ok(api.GET("/v1/clock"))), readAt: performance.now() }),
  refetchInterval: (query) => (query.state.data?.lab ? 5_000 : 300_000),
  staleTime: 4_000,
});

const listeners = new Set<() => void>();
let beat = 0;
let ticking: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  ticking ??= setInterval(() => {
    beat += 1;
    for (const one of listeners) one();
  }, 5_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(ticking);
      ticking = undefined;
    }
  };
}

/** The house's time in milliseconds, renewed every five seconds. */
export function useHouseNow(): number {
  useSyncExternalStore(subscribe, () => beat);
  const { data } = useQuery(clockQuery);
  if (!data) return Date.now();
  return Date.parse(data.now) + (performance.now() - data.readAt) * data.rate;
}

export function useHouseClock() {
  return useQuery(clockQuery).data;
}
