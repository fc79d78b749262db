// The URL is the state. A screen says once which search parameters it has (`search.ts` beside it), the route
// validates them with it, and `useUrl` reads and writes them.
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback } from "react";

type Read<T> = (raw: string) => T | undefined;
export type SearchOf<F> = F extends (raw: Record<string, unknown>) => infer R ? R : never;

/** Free text, also digits with leading zeros. */
export const text: Read<string> = (raw) => raw || undefined;
/** True or false. */
export const flag: Read<boolean> = (raw) => (raw === "true" ? true : raw === "false" ? false : undefined);
/** A whole number. */
export const whole: Read<number> = (raw) => (/^\d{1,15}$/.test(raw) ? Number(raw) : undefined);
/** One of these words; anything else is left out. */
export const oneOf =
  <const T extends string>(...words: T[]): Read<T> =>
  (raw) =>
    words.find((word) => word === raw);
/** Several values, separated by commas. */
export const list: Read<string[]> = (raw) => {
  const found = raw.split(",").filter(Boolean);
  return found.length > 0 ? found : undefined;
};

/** `export const search = fields({ country: text, roaming: flag, tab: oneOf("why", "time") });` */
export function fields<F extends Record<string, Read<unknown>>>(readers: F) {
  return (raw: Record<string, unknown>): { [K in keyof F]?: NonNullable<ReturnType<F[K]>> } => {
    const found: Record<string, unknown> = {};
    for (const [name, read] of Object.entries(readers)) {
      const value = raw[name];
      if (value === undefined || value === null) continue;
      const kept = read(Array.isArray(value) ? value.join(",") : String(value));
      if (kept !== undefined) found[name] = kept;
    }
    return found as { [K in keyof F]?: NonNullable<ReturnType<F[K]>> };
  };
}

/** `const [url, setUrl] = useUrl(search)`: `setUrl({ country: "DE" })` adds, `setUrl({ country: undefined })` takes away. */
export function useUrl<S extends Record<string, unknown>>(search: (raw: Record<string, unknown>) => S): [S, (patch: Partial<S>, how?: { replace?: boolean }) => void] {
  const values = useSearch({ strict: false, structuralSharing: true } as never) as Record<string, unknown>;
  const navigate = useNavigate();
  const set = useCallback(
    (patch: Partial<S>, how: { replace?: boolean } = {}) => {
      void navigate({ to: ".", search: ((before: Record<string, unknown>) => ({ ...before, ...patch })) as never, replace: how.replace ?? false, resetScroll: false });
    },
    [navigate],
  );
  return [search(values), set];
}

// Search parameters are plain text: an ICCID has twenty digits, and as a number it would lose some.
export function parseSearch(raw: string): Record<string, unknown> {
  return Object.fromEntries(new URLSearchParams(raw));
}

export function stringifySearch(values: Record<string, unknown>): string {
  const made = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined || value === null || value === "") continue;
    made.set(name, Array.isArray(value) ? value.join(",") : String(value));
  }
  const written = made.toString();
  return written ? `?${written}` : "";
}
