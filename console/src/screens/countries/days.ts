// Devices of a country by days left: each is counted once, in the row it falls into.
import type { Schemas } from "@/api/client";
import type { Tone } from "@/frame/theme";

export type There = Schemas["DevicesThere"];
export type Bucket = Exclude<keyof There, "devices" | "roaming">;

export const BUCKETS: { key: Bucket; name: string; tone: Tone; /** until then, from now */ days?: number; solid?: boolean }[] = [
  { key: "breached", name: "past the limit", tone: "bad", days: 0, solid: true },
  { key: "within_7", name: "7 days or less", tone: "bad", days: 7 },
  { key: "within_30", name: "30 days or less", tone: "warn", days: 30 },
  { key: "within_90", name: "90 days or less", tone: "info", days: 90 },
  { key: "later", name: "later", tone: "idle" },
  { key: "no_clock", name: "no clock runs", tone: "idle" },
];

/** How many have run out by then: those past the limit are among them. */
export function within(here: There, days: number): number {
  return BUCKETS.reduce((sum, one) => sum + (one.days !== undefined && one.days <= days ? (here[one.key] ?? 0) : 0), 0);
}

/** The most urgent first: past the limit, then the soonest, then the largest. */
export function byUrgency(a: There, b: There): number {
  for (const { key } of BUCKETS.slice(0, 4)) if ((a[key] ?? 0) !== (b[key] ?? 0)) return (b[key] ?? 0) - (a[key] ?? 0);
  return (b.devices ?? 0) - (a.devices ?? 0);
}

/** The soonest clock of a country, as a bucket. */
export function soonest(here: There): (typeof BUCKETS)[number] | undefined {
  return BUCKETS.find(({ key }) => (here[key] ?? 0) > 0);
}
