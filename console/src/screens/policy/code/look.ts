// How files of resources look: the same colours as the rest of the console, in both schemes.
import { yamlLanguage } from "@codemirror/lang-yaml";
import { HighlightStyle, LanguageSupport, syntaxHighlighting } from "@codemirror/language";
import type { Extension } from "@codemirror/state";
import { EditorView, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? "";

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--fl-info-text)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--fl-ok-text)" },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword], color: "var(--fl-move-text)" },
  { tag: [tags.comment, tags.lineComment], color: "var(--fl-dim)", fontStyle: "italic" },
  { tag: [tags.separator, tags.punctuation, tags.bracket, tags.squareBracket, tags.brace, tags.meta], color: "var(--fl-dim)" },
]);

const theme = EditorView.theme({
  "&": { color: "var(--fl-text)", backgroundColor: "var(--fl-panel)", fontSize: "0.8125rem", height: "100%" },
  "&.cm-focused": { outline: "none" },
  "&.cm-focused .cm-scroller": { boxShadow: "inset 0 0 0 2px var(--fl-info)" },
  ".cm-scroller": { fontFamily: "var(--mantine-font-family-monospace)", lineHeight: "1.6", overflow: "auto" },
  ".cm-content": { padding: "0.5rem 0", caretColor: "var(--fl-text)" },
  ".cm-line": { padding: "0 0.75rem 0 0.5rem" },
  ".cm-gutters": { backgroundColor: "var(--fl-sunken)", color: "var(--fl-dim)", borderRight: "1px solid var(--fl-line)" },
  ".cm-lineNumbers .cm-gutterElement": { padding: "0 0.5rem 0 0.75rem", minWidth: "2.25rem" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--fl-hover)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { background: "var(--fl-selected) !important" },
  ".cm-cursor": { borderLeftColor: "var(--fl-text)" },
  ".cm-tooltip": { backgroundColor: "var(--fl-panel)", color: "var(--fl-text)", border: "1px solid var(--fl-line-strong)", borderRadius: "4px", boxShadow: "0 4px 14px rgb(0 0 0 / 18%)", maxWidth: "32rem" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--mantine-font-family-monospace)", maxHeight: "16rem" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "0.125rem 0.5rem" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--fl-selected)", color: "var(--fl-text)" },
  ".cm-completionDetail": { color: "var(--fl-dim)", fontStyle: "normal", marginLeft: "0.75rem" },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "700" },
  ".cm-tooltip.cm-completionInfo": { padding: "0.375rem 0.625rem", fontFamily: "var(--mantine-font-family)" },
  ".fl-said": { padding: "0.375rem 0.625rem", fontFamily: "var(--mantine-font-family)", fontSize: "0.8125rem", lineHeight: "1.45" },
  ".cm-completionInfo .fl-said": { padding: "0" },
  ".fl-said b": { fontWeight: "500", display: "block" },
  ".fl-said div": { color: "var(--fl-dim)", fontSize: "0.75rem", marginTop: "0.125rem" },
  ".cm-diagnostic": { padding: "0.375rem 0.625rem", fontFamily: "var(--mantine-font-family)", fontSize: "0.8125rem", borderLeftWidth: "3px" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--fl-bad)" },
  ".cm-diagnostic-warning": { borderLeftColor: "var(--fl-warn)" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--fl-bad)", textDecorationSkipInk: "none", textUnderlineOffset: "3px" },
  ".cm-lintRange-warning": { backgroundImage: "none", textDecoration: "underline wavy var(--fl-warn)", textDecorationSkipInk: "none", textUnderlineOffset: "3px" },
  ".cm-lint-marker": { width: "0.7em", height: "0.7em" },
  ".cm-panels": { backgroundColor: "var(--fl-sunken)", color: "var(--fl-text)" },
  // two revisions side by side
  ".cm-changedLine": { backgroundColor: "var(--fl-warn-soft) !important" },
  ".cm-changedText": { background: "none !important", textDecoration: "underline 2px var(--fl-warn)", textUnderlineOffset: "3px" },
  ".cm-collapsedLines:before, .cm-collapsedLines:after": { content: "none !important" },
  ".cm-collapsedLines": { padding: "0.1875rem 0.5rem",  background: "var(--fl-sunken)", color: "var(--fl-dim)", fontFamily: "var(--mantine-font-family)", fontSize: "0.75rem" },
});

export function look(label: string): Extension[] {
  return [
    EditorView.cspNonce.of(nonce),
    new LanguageSupport(yamlLanguage),
    syntaxHighlighting(colours),
    theme,
    lineNumbers(),
    EditorView.lineWrapping,
    EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
  ];
}
