import type { Counts } from "@/api/queries";
import { countryName, type Format } from "@/frame/format";
import { type Filter, type Option, wordsOf } from "@/parts";

const STATES = ["manufactured", "bootstrapped", "active", "quarantined", "retired"];
const STANCES = ["prohibited", "restricted", "conditional", "unknown", "carrier_policy", "permissive", "mandatory"];
const CONNECTIVITY = ["online", "attached", "offline", "blocked", "unknown"];

/** Filters with how many devices each value has, where that is counted. */
export function filtersFrom(counts: Counts | undefined, format: Format): Filter[] {
  const counted = (dimension: string, label?: (value: string) => string): Option[] | undefined =>
    counts?.by[dimension]
      ?.filter((one) => one.value !== null)
      .sort((a, b) => b.devices - a.devices)
      .map((one) => ({ value: one.value ?? "", label: label?.(one.value ?? ""), count: one.devices }));
  const words = (dimension: string, known: string[]): Option[] => {
    const found = counts?.by[dimension];
    return known.map((value) => ({ value, label: wordsOf(value), count: found?.find((one) => one.value === value)?.devices ?? (found ? 0 : undefined) }));
  };
  return [
    { key: "country", label: "Country", options: counted("country", countryName) },
    { key: "stance", label: "Roaming rules", options: words("stance", STANCES) },
    { key: "connectivity", label: "Connectivity", options: words("connectivity", CONNECTIVITY) },
    { key: "roaming", label: "Roaming", options: [{ value: "true", label: "yes" }, { value: "false", label: "no" }] },
    { key: "carrier", label: "Carrier account", options: counted("carrier") },
    { key: "state", label: "State", more: true, options: words("state", STATES) },
    { key: "sku", label: "SKU", more: true, options: counted("sku") },
    { key: "group", label: "Group", options: counted("group") },
    { key: "region", label: "Region", more: true, options: counted("region") },
    { key: "batch", label: "Batch", more: true, options: counted("batch") },
    { key: "breach_before", label: "Clock runs out before", more: true, show: format.instant },
  ];
}
