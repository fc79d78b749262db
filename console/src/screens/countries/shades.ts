// How a country is drawn: the stance is the hue, the confidence its strength; what nobody has read is hatched, never green.
import type { ChartColours } from "@/parts";

export const STANCES = ["prohibited", "restricted", "conditional", "unknown", "carrier_policy", "permissive"] as const;
export type Stance = (typeof STANCES)[number];
const STRENGTH: Record<string, number> = { high: 1, medium: 0.74, low: 0.48 };

export function mixed(a: string, b: string, share: number): string {
  const read = (colour: string) => [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
  const [x, y] = [read(a), read(b)];
  return `#${x.map((one, index) => Math.round(one * share + (y[index] ?? 0) * (1 - share)).toString(16).padStart(2, "0")).join("")}`;
}

export interface Shade {
  colour: string;
  hatched: boolean;
}

export function stanceShade(stance: string, confidence: string, colours: ChartColours): Shade {
  const hue: Record<string, string> = {
    prohibited: colours.bad,
    restricted: colours.warn,
    conditional: mixed(colours.warn, colours.ok, 0.5),
    carrier_policy: colours.info,
    permissive: colours.ok,
  };
  const found = hue[stance];
  if (found === undefined) return { colour: colours.sunken, hatched: true };
  return { colour: mixed(found, colours.panel, STRENGTH[confidence] ?? 0.48), hatched: false };
}

export function trendShade(trend: string, colours: ChartColours): Shade {
  if (trend === "tightening") return { colour: colours.warn, hatched: false };
  if (trend === "loosening") return { colour: colours.ok, hatched: false };
  if (trend === "stable") return { colour: mixed(colours.idle, colours.panel, 0.55), hatched: false };
  return { colour: colours.sunken, hatched: true };
}
