// The editor itself, a chunk of its own: text in, text out, with the API's faults as marks.
import { acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching, indentOnInput, indentUnit } from "@codemirror/language";
import { type Diagnostic, lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, keymap } from "@codemirror/view";
import { useEffect, useImperativeHandle, useRef, type Ref } from "react";
import { type Fault, sayFault, type TestShown } from "../api";
import { completions, explanations, type Known } from "./complete";
import { look } from "./look";

export interface Handle {
  /** Put the cursor at a line and column, counted from 1. */
  go: (line: number, column?: number) => void;
  /** Replace all of the text. */
  replace: (text: string) => void;
  focus: () => void;
}

export interface WriteProps {
  /** The text at the beginning; what is typed afterwards goes out by `onChange`. */
  text: string;
  onChange: (text: string) => void;
  faults: Fault[];
  tests: TestShown[];
  known: Known;
  label: string;
  handle?: Ref<Handle>;
}

/** Typing over a selection is ours to do: Chromium would keep the colour of what goes by an inline style, which the policy forbids. */
const overSelection = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { state } = view;
    const { from, to, empty } = state.selection.main;
    const typed = event.data;
    if (event.inputType !== "insertText" || typed === null || empty) return false;
    event.preventDefault();
    const replaced = () => state.update(state.replaceSelection(typed), { userEvent: "input.type", scrollIntoView: true });
    const taken = state.facet(EditorView.inputHandler).some((one) => one(view, from, to, typed, replaced)); // a bracket goes around it
    if (!taken) view.dispatch(replaced());
    return true;
  },
});

export default function Write({ text, onChange, faults, tests, known, label, handle }: WriteProps) {
  const box = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const told = useRef({ onChange, known });
  told.current = { onChange, known };
  const first = useRef(text);

  useEffect(() => {
    if (!box.current) return;
    const made = new EditorView({
      parent: box.current,
      state: EditorState.create({
        doc: first.current,
        extensions: [
          look(label),
          highlightActiveLine(),
          highlightActiveLineGutter(),
          history(),
          drawSelection(),
          overSelection,
          indentOnInput(),
          indentUnit.of("  "),
          bracketMatching(),
          closeBrackets(),
          lintGutter(),
          autocompletion({ override: [completions(() => told.current.known)], icons: false, activateOnTyping: true }),
          explanations(() => told.current.known),
          // Tab takes a completion that is open and else goes on to the next control, so nobody is caught in here.
          keymap.of([{ key: "Tab", run: acceptCompletion }, ...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...completionKeymap, ...lintKeymap]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) told.current.onChange(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = made;
    return () => {
      first.current = made.state.doc.toString();
      made.destroy();
      view.current = null;
    };
  }, [label]);

  useEffect(() => {
    const now = view.current;
    if (now) now.dispatch(setDiagnostics(now.state, diagnostics(now.state, faults, tests)));
  }, [faults, tests]);

  useImperativeHandle(handle, () => ({
    go(line, column = 1) {
      const now = view.current;
      if (!now) return;
      now.dispatch({ selection: { anchor: offset(now.state, line, column) }, scrollIntoView: true });
      now.focus();
    },
    replace(next) {
      const now = view.current;
      if (now) now.dispatch({ changes: { from: 0, to: now.state.doc.length, insert: next }, selection: { anchor: 0 } });
    },
    focus: () => view.current?.focus(),
  }));

  return <div ref={box} style={{ height: "100%", minHeight: 0 }} />;
}

function diagnostics(state: EditorState, faults: Fault[], tests: TestShown[]): Diagnostic[] {
  const marks: Diagnostic[] = faults.map((fault) => {
    const from = offset(state, fault.line, fault.column);
    return { from, to: endOf(state, from), severity: "error", message: sayFault(fault) };
  });
  for (const test of tests) {
    if (test.passed) continue;
    const line = state.doc.line(Math.min(state.doc.lines, Math.max(1, test.line)));
    const from = line.from + (line.text.length - line.text.trimStart().length);
    marks.push({ from, to: line.to, severity: "warning", message: `this test expects ${test.expected}, and it comes to ${test.found}` });
  }
  return marks.sort((a, b) => a.from - b.from);
}

/** The API counts columns in code points, the editor in UTF-16 units. */
function offset(state: EditorState, line: number, column: number): number {
  const found = state.doc.line(Math.min(state.doc.lines, Math.max(1, line)));
  return found.from + [...found.text].slice(0, Math.max(0, column - 1)).join("").length;
}

/** To the end of the word or the quoted text that begins here; an empty place is marked by the character beside it. */
function endOf(state: EditorState, from: number): number {
  const line = state.doc.lineAt(from);
  const rest = line.text.slice(from - line.from);
  const found = /^(?:"[^"]*"|'[^']*'|[^\s,{}[\]]+)/.exec(rest)?.[0].length ?? 0;
  return Math.min(line.to, from + Math.max(1, found));
}
