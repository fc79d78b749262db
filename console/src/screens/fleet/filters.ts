import type { Schemas } from "@/api/client";
import type { Counts } from "@/api/queries";
import { countryName, type Format } from "@/frame/format";
import { type Filter, type Option, quoted, wordsOf } from "@/parts";
import type { search } from "./search";

type Url = ReturnType<typeof search>;

const STATES = ["manufactured", "bootstrapped", "active", "quarantined", "retired"];
const STANCES = ["prohibited", "restricted", "conditional", "unknown", "carrier_policy", "permissive", "mandatory"];
const CONNECTIVITY = ["online", "attached", "offline", "blocked", "unknown"];

/** Dimensions that a filter may have, as the API counts them. */
export const DIMENSIONS = ["country", "carrier", "sku", "group", "region", "batch", "state", "stance", "connectivity", "roaming"] as const;

/**
 * Filters with how many devices each value has: of the whole fleet (`counts`), or of what the other filters leave
 * (`facets`). A filter that is set offers the fleet's values without numbers: what they would leave was not counted.
 */
export function filtersFrom(counts: Counts | undefined, facets: Schemas["DeviceFacets"] | undefined, url: Url, format: Format): Filter[] {
  const narrowed = Object.keys(url).length > 0;
  const of = (dimension: (typeof DIMENSIONS)[number]) => {
    if (!narrowed) return { found: counts?.by[dimension], counted: true };
    if (url[dimension] === undefined && facets) return { found: facets.by[dimension], counted: true };
    return { found: counts?.by[dimension], counted: false };
  };
  const counted = (dimension: (typeof DIMENSIONS)[number], label?: (value: string) => string): Option[] | undefined => {
    const { found, counted: numbers } = of(dimension);
    return found
      ?.filter((one) => one.value !== null)
      .sort((a, b) => b.devices - a.devices)
      .map((one) => ({ value: one.value ?? "", label: label?.(one.value ?? ""), count: numbers ? one.devices : undefined }));
  };
  const words = (dimension: (typeof DIMENSIONS)[number], known: string[], label: (value: string) => string = wordsOf): Option[] => {
    const { found, counted: numbers } = of(dimension);
    return known.map((value) => ({ value, label: label(value), count: found && numbers ? (found.find((one) => one.value === value)?.devices ?? 0) : undefined }));
  };
  return [
    { key: "country", label: "Country", options: counted("country", countryName) },
    { key: "stance", label: "Roaming rules", options: words("stance", STANCES) },
    { key: "connectivity", label: "Connectivity", options: words("connectivity", CONNECTIVITY) },
    { key: "roaming", label: "Roaming", options: narrowed && facets ? words("roaming", ["true", "false"], yesNo) : ["true", "false"].map((value) => ({ value, label: yesNo(value) })) },
    { key: "carrier", label: "Carrier account", options: counted("carrier") },
    { key: "state", label: "State", more: true, options: words("state", STATES) },
    { key: "sku", label: "SKU", more: true, options: counted("sku") },
    { key: "group", label: "Group", options: counted("group") },
    { key: "region", label: "Region", more: true, options: counted("region") },
    { key: "batch", label: "Batch", more: true, options: counted("batch") },
    { key: "breach_before", label: "Clock runs out before", more: true, show: format.instant },
  ];
}

function yesNo(value: string): string {
  return value === "true" ? "yes" : "no";
}

/** The filters as a condition of the API's own facts; or why there is none. */
export function matchOf(url: Url): { match: string } | { not: string } {
  if (url.q !== undefined) return { not: "no condition can read the search: choose rows instead" };
  const parts = [
    url.country && `country == ${quoted(url.country)}`,
    url.stance && `law.stance == ${quoted(url.stance)}`,
    url.connectivity && `connectivity == ${quoted(url.connectivity)}`,
    url.roaming !== undefined && (url.roaming ? "roaming" : "!roaming"),
    url.carrier && `carrier == ${quoted(url.carrier)}`,
    url.state && `state == ${quoted(url.state)}`,
    url.sku && `sku == ${quoted(url.sku)}`,
    url.group && `group == ${quoted(url.group)}`,
    url.region && `region == ${quoted(url.region)}`,
    url.batch && `batch == ${quoted(url.batch)}`,
    url.breach_before && `clock("permanent-roaming").breach_at < timestamp(${quoted(url.breach_before)})`,
  ].filter(Boolean);
  return parts.length > 0 ? { match: parts.join(" && ") } : { not: "set a filter first" };
}
