// Where the cursor is in a file of resources: of which kind, at which path, in a key or in a value, and what is typed of it.
// Read from the text before the cursor alone, because what one is typing is rarely YAML yet.

export interface Place {
  kind: string | undefined;
  /** As the API's language has it: `spec.tests[].given`. Of a key: the map it stands in. */
  path: string;
  role: "key" | "value";
  /** What is typed of the key or the value so far, without its opening quote. */
  prefix: string;
  quoted: boolean;
}

interface Level {
  indent: number;
  part: string; // a key, or [] for an entry of a list
}
interface Flow {
  map: boolean;
  key: string | null; // of a map: whose value is being read
}

const KEY = /^("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s"'{}[\],#&*!|>%@`-][^#]*?|-[^\s#][^#]*?)\s*:(?=\s|$)/;

export function placeAt(before: string, after = ""): Place {
  const begins = lastDocument(before);
  const text = before.slice(begins);
  const kind = /^kind:\s*["']?(\w+)/m.exec(text + nextDocument(after))?.[1];
  const levels: Level[] = [];
  let flow: Flow[] = [];
  let token = { text: "", quoted: false };
  let scalar: { indent: number; text: string } | null = null; // a block scalar: `|` or `>`
  const lines = text.split("\n");

  for (let number = 0; number < lines.length; number += 1) {
    const line = lines[number] ?? "";
    const isLast = number === lines.length - 1;
    if (scalar) {
      const indent = indentOf(line);
      if (line.trim() === "" || indent > scalar.indent) {
        scalar.text += `${line.trim()}\n`;
        if (isLast) return place("value", scalar.text.trimEnd(), false);
        continue;
      }
      scalar = null;
    }
    // What was left open on the lines above is taken for forgotten where a line begins like one of its own.
    if (flow.length > 0 && line.trim() !== "" && (token.quoted || indentOf(line) <= (levels[levels.length - 1]?.indent ?? 0))) {
      flow = [];
      token = { text: "", quoted: false };
    }
    if (flow.length > 0) {
      scan(line);
      continue;
    }
    if (!isLast && /^\s*(#.*)?$/.test(line)) continue;
    let at = indentOf(line);
    let rest = line.slice(at);
    while (/^-(\s|$)/.test(rest)) {
      pop((level) => level.indent > at || (level.indent === at && level.part === "[]"));
      levels.push({ indent: at, part: "[]" });
      const step = 1 + indentOf(rest.slice(1));
      rest = rest.slice(step);
      at += step;
    }
    const key = KEY.exec(rest);
    if (key?.[1] === undefined) {
      if (rest.startsWith("{") || rest.startsWith("[")) {
        scan(rest);
        continue;
      }
      if (isLast) {
        pop((level) => level.indent >= at && level.part !== "[]");
        const inList = levels[levels.length - 1]?.part === "[]" && levels[levels.length - 1]?.indent !== undefined;
        return place("key", rest.trimStart(), false, inList);
      }
      continue;
    }
    pop((level) => level.indent >= at);
    levels.push({ indent: at, part: plain(key[1]) });
    const value = rest.slice(key[0].length).trimStart();
    if (/^[{[]/.test(value)) {
      scan(value);
      continue;
    }
    if (/^[|>][+-]?\s*$/.test(value)) {
      scalar = { indent: at, text: "" };
      if (isLast) return place("value", "", false);
      continue;
    }
    if (isLast) {
      const quoted = /^["']/.test(value);
      return place("value", quoted ? value.slice(1) : value, quoted);
    }
  }
  const top = flow[flow.length - 1];
  if (!top) return place("key", "", false);
  return place(top.map && top.key === null ? "key" : "value", token.text.trimStart(), token.quoted);

  function pop(gone: (level: Level) => boolean) {
    for (let last = levels[levels.length - 1]; last && gone(last); last = levels[levels.length - 1]) levels.pop();
  }

  /** Read `{…}` and `[…]` up to the end of the line; what is open stays in `flow` and `token`. */
  function scan(line: string) {
    token = { text: "", quoted: false };
    let quote = "";
    for (let i = 0; i < line.length; i += 1) {
      const char = line[i] ?? "";
      if (quote) {
        if (char === "\\" && quote === '"') {
          token.text += line.slice(i, i + 2);
          i += 1;
        } else if (char === quote) {
          quote = "";
          token.quoted = false;
        } else token.text += char;
        continue;
      }
      const top = flow[flow.length - 1];
      if ((char === '"' || char === "'") && token.text.trim() === "") {
        quote = char;
        token = { text: "", quoted: true };
      } else if ((char === "{" || char === "[") && token.text.trim() === "") {
        flow.push({ map: char === "{", key: null });
        token = { text: "", quoted: false };
      } else if (char === "}" || char === "]") {
        flow.pop();
        token = { text: "", quoted: false };
        if (flow.length === 0) return;
      } else if (char === "," && top) {
        top.key = null;
        token = { text: "", quoted: false };
      } else if (char === ":" && top?.map && top.key === null && /^\s|^$/.test(line.slice(i + 1, i + 2))) {
        top.key = token.text.trim();
        token = { text: "", quoted: false };
      } else if (char === "#" && /(^|\s)$/.test(line.slice(0, i))) return;
      else token.text += char;
    }
  }

  function place(role: Place["role"], prefix: string, quoted: boolean, entry = false): Place {
    let path = "";
    const add = (part: string) => {
      path += part === "[]" || path === "" ? part : `.${part}`;
    };
    for (const level of levels) add(level.part);
    for (const [index, one] of flow.entries()) {
      if (!one.map) add("[]");
      else if (one.key !== null && (index < flow.length - 1 || role === "value")) add(one.key);
    }
    return { kind, path, role: entry && path.endsWith("[]") ? "key" : role, prefix, quoted };
  }
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

function plain(key: string): string {
  return /^["']/.test(key) ? key.slice(1, -1) : key;
}

function lastDocument(text: string): number {
  const found = [...text.matchAll(/^---.*$/gm)].pop();
  return found ? (found.index ?? 0) + found[0].length + 1 : 0;
}

function nextDocument(text: string): string {
  const found = /^---/m.exec(text);
  return found ? text.slice(0, found.index) : text;
}
