// People, programs and tokens, as the API tells them; what forms of both share.
import { queryOptions } from "@tanstack/react-query";
import { api, ok, type Schemas } from "@/api/client";

export type Principal = Schemas["PrincipalShown"];
export type Token = Schemas["TokenShown"];
export type Role = Schemas["NewPrincipal"]["roles"][number];

export const accessQuery = queryOptions({ queryKey: ["access"], queryFn: () => ok(api.GET("/v1/access")), staleTime: Number.POSITIVE_INFINITY });

/** The end of a day in the viewer's zone, as an instant; empty: no end. */
export function endOf(day: string): string | null {
  if (!day) return null;
  const end = new Date(`${day}T23:59:59`);
  return Number.isNaN(end.getTime()) ? null : end.toISOString();
}

/** The day of an instant in the viewer's zone, as a date field takes it. */
export function dayOf(instant: string | null): string {
  if (!instant) return "";
  const at = new Date(instant);
  const two = (n: number) => String(n).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

export function inDays(days: number): string {
  return dayOf(new Date(Date.now() + days * 86_400_000).toISOString());
}
