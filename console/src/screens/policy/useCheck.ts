// What the API's checker says of a text, a moment after somebody stopped typing.
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { check, factsQuery, languageQuery } from "./api";
import type { Known } from "./code/complete";

export function useCheck(name: string, text: string, wait = 350) {
  const [settled] = useDebouncedValue(text, wait);
  const query = useQuery({
    queryKey: ["check", name, settled],
    queryFn: () => check(name, settled),
    enabled: settled.trim() !== "",
    placeholderData: (before) => before, // marks stay while the next answer is on its way
    staleTime: 60_000,
    gcTime: 60_000,
  });
  return { ...query, pending: text !== settled || query.isFetching, of: settled };
}

/** What completion and explanations know. */
export function useKnown(): Known {
  const facts = useQuery(factsQuery);
  const language = useQuery(languageQuery);
  return { facts: facts.data ?? [], language: language.data ?? null };
}
