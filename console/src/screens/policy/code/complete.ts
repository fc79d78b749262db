// Completion and explanation in a file of resources: keys and words as the API describes its language, facts with their
// meaning inside conditions.
import type { Completion, CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import { type EditorView, hoverTooltip } from "@codemirror/view";
import { type Fact, type Field, type Language, NAMES } from "../api";
import { type Place, placeAt } from "./place";

export interface Known {
  language: Language | null;
  facts: Fact[];
}

const CONDITION_KEYS = /(^|\.|\[\])(match|until|when|if)$/; // where the server does not describe its language
const CONSTANTS = [
  ["KB", "1,000 bytes"],
  ["MB", "1,000,000 bytes"],
  ["GB", "1,000,000,000 bytes"],
  ['duration("24h")', "a length of time"],
  ['timestamp("2027-01-31T00:00:00Z")', "an instant"],
] as const;

export function completions(known: () => Known) {
  return (context: CompletionContext): CompletionResult | null => {
    const text = context.state.doc.toString();
    const place = placeAt(text.slice(0, context.pos), text.slice(context.pos));
    const here = known();
    const field = fieldAt(here.language, place);
    const condition = place.role === "value" && (field ? field.type === "condition" : !here.language && CONDITION_KEYS.test(place.path));
    if (condition) return inCondition(context, place, field?.context ?? null, here);
    if (place.role === "key") return keys(context, place, here);
    return words(context, place, field);
  };
}

function fieldAt(language: Language | null, place: Place): Field | undefined {
  return fieldsOf(language, place.kind).find((field) => fits(field.path, place.path));
}

function fieldsOf(language: Language | null, kind: string | undefined): Field[] {
  const found = language?.kinds.find((one) => one.kind === kind) ?? language?.kinds[0];
  if (!found) return [];
  return kind ? found.fields : found.fields.filter((field) => !field.path.startsWith("spec."));
}

/** Whether a path of the text is that of the language, where `*` stands for a key that people choose. */
function fits(pattern: string, path: string): boolean {
  if (pattern === path) return true;
  if (!pattern.includes("*")) return false;
  const [a, b] = [pattern.split("."), path.split(".")];
  return a.length === b.length && a.every((part, index) => part === b[index] || (part.startsWith("*") && part.endsWith("[]") === (b[index] ?? "").endsWith("[]")));
}

function keys(context: CompletionContext, place: Place, known: Known): CompletionResult | null {
  if (place.prefix === "" && !context.explicit && !/[{,]\s$/.test(context.state.sliceDoc(Math.max(0, context.pos - 2), context.pos))) return null;
  const from = context.pos - place.prefix.length - (place.quoted ? 1 : 0);
  const given = /(^|\.)given$/.test(place.path) ? fieldAt(known.language, { ...place, role: "value" }) : undefined;
  if (given?.context) {
    const options = known.facts.filter((fact) => fact.context === given.context).map((fact): Completion => ({ ...factOption(fact), apply: `${/^[\w.]+$/.test(fact.name) ? fact.name : `'${fact.name}'`}: ` }));
    const closed = place.quoted && /^["']/.test(context.state.sliceDoc(context.pos, context.pos + 1)); // the editor closed it
    return { from, to: context.pos + (closed ? 1 : 0), options, validFor: /^[^:]*$/ };
  }
  const within = place.path === "" ? "" : `${place.path}.`;
  const options = fieldsOf(known.language, place.kind).flatMap((field): Completion[] => {
    const parent = fits(field.path.split(".").slice(0, -1).join("."), place.path) || (within === "" && !field.path.includes("."));
    const key = field.path.split(".").pop() ?? "";
    if (!parent || key === "*" || key.endsWith("[]") || (within !== "" && !field.path.includes("."))) return [];
    return [{ label: key, type: "property", detail: field.required ? "needed" : field.type === "any" ? undefined : field.type, info: () => said(field.expected || field.type), apply: `${key}: `, boost: field.required ? 1 : 0 }];
  });
  // an entry of a list may be a word of its own: `couple: [network, config]`
  const entry = fieldAt(known.language, { ...place, role: "value" });
  for (const word of entry?.words ?? []) options.push({ label: word, type: "enum" });
  return options.length > 0 ? { from: context.pos - place.prefix.length, options, validFor: /^[\w.-]*$/ } : null;
}

function words(context: CompletionContext, place: Place, field: Field | undefined): CompletionResult | null {
  if (!field) return null;
  const found = field.words.length > 0 ? field.words : field.type === "true or false" ? ["true", "false"] : [];
  if (found.length === 0) return null;
  return { from: context.pos - place.prefix.length, options: found.map((word) => ({ label: word, type: "enum" })), validFor: /^[\w-]*$/ };
}

function inCondition(context: CompletionContext, place: Place, whose: string | null, known: Known): CompletionResult | null {
  const facts = known.facts.filter((fact) => whose === null || fact.context === whose);
  const compared = /(clock\(["'][^"']*["']\)\.\w+|[A-Za-z_][\w.]*)\s*(?:==|!=)\s*["']([\w-]*)$/.exec(place.prefix);
  if (compared) {
    const fact = facts.find((one) => one.name === compared[1]?.replaceAll("'", '"'));
    if (!fact || fact.values.length === 0) return null;
    return { from: context.pos - (compared[2]?.length ?? 0), options: fact.values.map((value) => ({ label: value, type: "enum" })), validFor: /^[\w-]*$/ };
  }
  if (inText(place.prefix)) return null;
  const typed = /[A-Za-z_][\w.]*$/.exec(place.prefix)?.[0] ?? "";
  if (typed === "" && !context.explicit) return null;
  const seen = new Map(facts.map((fact) => [fact.name, factOption(fact)]));
  const options: Completion[] = [
    ...seen.values(),
    ...CONSTANTS.map(([label, info]): Completion => ({ label, type: "constant", info, boost: -1 })),
    ...["true", "false"].map((label): Completion => ({ label, type: "keyword", boost: -1 })),
  ];
  const dot = typed.lastIndexOf(".");
  if (dot > 0)
    for (const name of (known.language?.functions ?? []).filter((one) => one !== "size")) options.push({ label: `${typed.slice(0, dot)}.${name}`, type: "function", apply: `${typed.slice(0, dot)}.${name}("` });
  return { from: context.pos - typed.length, options, validFor: /^[\w.()"-]*$/ };
}

function inText(condition: string): boolean {
  return (condition.replace(/\\./g, "").match(/"/g)?.length ?? 0) % 2 === 1;
}

function factOption(fact: Fact): Completion {
  return { label: fact.name, type: "variable", detail: fact.type, info: () => explained(fact) };
}

/** What a fact is, when the pointer rests on it. */
export function explanations(known: () => Known) {
  return hoverTooltip((view: EditorView, pos: number) => {
    const line = view.state.doc.lineAt(pos);
    for (const found of line.text.matchAll(NAMES)) {
      const from = line.from + found.index;
      const to = from + found[0].length;
      if (pos < from || pos > to) continue;
      const text = view.state.doc.toString();
      const place = placeAt(text.slice(0, from), text.slice(from));
      const field = fieldAt(known().language, place);
      const named = known().facts.filter((fact) => fact.name === found[0]);
      const isKey = place.role === "key" && !/given$/.test(place.path);
      const fact = named.find((one) => one.context === field?.context) ?? named[0];
      if (fact && !isKey && (!field || field.type === "condition" || /given$/.test(place.path))) return { pos: from, end: to, above: true, create: () => ({ dom: explained(fact) }) };
      const key = isKey ? fieldAt(known().language, { ...place, path: place.path === "" ? found[0] : `${place.path}.${found[0]}` }) : undefined;
      if (key?.expected) return { pos: from, end: to, above: true, create: () => ({ dom: said(key.expected) }) };
    }
    return null;
  });
}

// Text nodes only: nothing that comes from data is ever markup.
function explained(fact: Fact): HTMLElement {
  const unit = fact.unit ? `, ${fact.unit}` : "";
  const values = fact.values.length > 0 ? `One of ${fact.values.join(", ")}.` : "";
  return said(fact.doc, values, `${fact.type}${unit} · of a ${fact.context} · from ${fact.source} · ${fact.freshness}`);
}

function said(...lines: string[]): HTMLElement {
  const box = document.createElement("div");
  box.className = "fl-said";
  for (const [index, line] of lines.filter(Boolean).entries()) {
    const one = document.createElement(index === 0 ? "b" : "div");
    one.textContent = line;
    box.append(one);
  }
  return box;
}
