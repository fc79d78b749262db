// Two documents side by side, path by path; where they differ it is marked by word and colour.
import css from "./parts.module.css";

function flat(value: unknown, path = "", into = new Map<string, string>()): Map<string, string> {
  if (value !== null && typeof value === "object" && !Array.isArray(value)) {
    for (const [name, inner] of Object.entries(value)) flat(inner, path ? `${path}.${name}` : name, into);
  } else if (value !== undefined && !(value === null && path === "")) {
    into.set(path || "value", typeof value === "string" ? value : JSON.stringify(value));
  }
  return into;
}

interface Props {
  /** What the two are called: ["Desired", "Observed"]. */
  names: [string, string];
  left: unknown;
  right: unknown;
  /** Mark paths of the left whose right is another; "both": only where both have the path. A path that only the
   * right has is never marked. */
  mark?: boolean | "both";
}

export function Compare({ names, left, right, mark = true }: Props) {
  const [a, b] = [flat(left), flat(right)];
  const paths = [...new Set([...a.keys(), ...b.keys()])].sort();
  if (paths.length === 0) return <span className={css.none}>nothing</span>;
  return (
    <table className={css.compare}>
      <thead>
        <tr>
          <th scope="col">Path</th>
          <th scope="col">{names[0]}</th>
          <th scope="col">{names[1]}</th>
        </tr>
      </thead>
      <tbody>
        {paths.map((path) => {
          const differs = mark !== false && a.has(path) && (mark !== "both" || b.has(path)) && a.get(path) !== b.get(path);
          return (
            <tr key={path} data-differs={differs || undefined}>
              <th scope="row">{path}</th>
              <td>{a.get(path) ?? <span className={css.none}>–</span>}</td>
              <td>
                {b.get(path) ?? <span className={css.none}>–</span>}
                {differs && <span className={css.differs}> differs</span>}
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
