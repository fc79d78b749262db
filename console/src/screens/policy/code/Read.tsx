// Text that is only read, and two texts side by side: with colours, and with what each fact means under the pointer.
import { MergeView } from "@codemirror/merge";
import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { useEffect, useRef } from "react";
import { explanations, type Known } from "./complete";
import { look } from "./look";

interface ReadProps {
  text: string;
  label: string;
  known: Known;
}

const unwritten = EditorState.readOnly.of(true);

export function Read({ text, label, known }: ReadProps) {
  const box = useRef<HTMLDivElement>(null);
  const told = useRef(known);
  told.current = known;
  useEffect(() => {
    if (!box.current) return;
    const view = new EditorView({ parent: box.current, state: EditorState.create({ doc: text, extensions: [look(label), unwritten, explanations(() => told.current)] }) });
    return () => view.destroy();
  }, [text, label]);
  return <div ref={box} />;
}

interface BesideProps {
  left: string;
  right: string;
  labels: [string, string];
  known: Known;
}

export function Beside({ left, right, labels, known }: BesideProps) {
  const box = useRef<HTMLDivElement>(null);
  const told = useRef(known);
  told.current = known;
  const [leftLabel, rightLabel] = labels;
  useEffect(() => {
    if (!box.current) return;
    const explained = explanations(() => told.current);
    const view = new MergeView({
      parent: box.current,
      a: { doc: left, extensions: [look(leftLabel), unwritten, explained] },
      b: { doc: right, extensions: [look(rightLabel), unwritten, explained] },
      gutter: false,
      collapseUnchanged: { margin: 3, minSize: 6 },
    });
    return () => view.destroy();
  }, [left, right, leftLabel, rightLabel]);
  return <div ref={box} />;
}
