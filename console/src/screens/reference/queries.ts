import { queryOptions } from "@tanstack/react-query";
import { api, ok, type Schemas } from "@/api/client";

export type Reference = Schemas["ReferenceShown"];
export type Table = Schemas["TableShown"];
export type Fact = Schemas["FactShown"];

// It changes with a new version of the server, not while one looks.
const staleTime = 600_000;

export const referenceQuery = queryOptions({ queryKey: ["reference", "all"], queryFn: () => ok(api.GET("/v1/reference")), staleTime });
export const tableQuery = (table: string) =>
  queryOptions({ queryKey: ["reference", "table", table], queryFn: () => ok(api.GET("/v1/reference/{table}", { params: { path: { table } } })), staleTime });
export const rulesQuery = queryOptions({ queryKey: ["reference", "rules"], queryFn: () => ok(api.GET("/v1/rules")), staleTime });
export const factsQuery = queryOptions({ queryKey: ["reference", "facts"], queryFn: () => ok(api.GET("/v1/facts")), staleTime });

/** Whether every word that was typed is somewhere in the texts. */
export function has(texts: (string | null | undefined)[], typed: string | undefined): boolean {
  if (!typed) return true;
  const whole = texts.filter(Boolean).join(" ").toLowerCase().replaceAll("_", " ");
  return typed.toLowerCase().replaceAll("_", " ").split(/\s+/).every((word) => whole.includes(word));
}
