// A value of the API as indented JSON, as text only.
import { Fragment } from "react";
import css from "./parts.module.css";

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

export function Json({ value, boxed = true, label = "JSON" }: { value: unknown; boxed?: boolean; label?: string }) {
  if (value === undefined || value === null) return <span className={css.none}>nothing</span>;
  return (
    <pre className={css.json} data-boxed={boxed || undefined} tabIndex={boxed ? 0 : undefined} role={boxed ? "region" : undefined} aria-label={boxed ? label : undefined}>
      {coloured(JSON.stringify(value, null, 2))}
    </pre>
  );
}

function coloured(text: string) {
  const parts = [];
  let from = 0;
  for (const found of text.matchAll(TOKEN)) {
    const [all, quoted, colon] = found;
    parts.push(<Fragment key={`t${from}`}>{text.slice(from, found.index)}</Fragment>);
    const kind = quoted ? (colon ? css.jsonKey : css.jsonText) : css.jsonOther;
    parts.push(
      <span key={`v${found.index}`} className={kind}>
        {quoted ?? all}
      </span>,
    );
    if (colon) parts.push(<Fragment key={`c${found.index}`}>{colon}</Fragment>);
    from = found.index + all.length;
  }
  parts.push(<Fragment key="end">{text.slice(from)}</Fragment>);
  return parts;
}
