// Every table of the console: only the rows in sight are drawn, further pages come as one scrolls (keyset), columns
// can be chosen and the choice is kept, arrow keys walk, Enter opens, Space selects. Sorting is offered only where
// all rows are here; a list of a million is in the server's order.
import { ActionIcon, Checkbox, Menu, Tooltip, UnstyledButton } from "@mantine/core";
import { useLocalStorage } from "@mantine/hooks";
import { IconArrowDown, IconArrowUp, IconColumns3 } from "@tabler/icons-react";
import {
  type ColumnVisibilityState,
  type SortingState,
  columnVisibilityFeature,
  createColumnHelper,
  createSortedRowModel,
  rowSortingFeature,
  sortFn_alphanumeric,
  sortFn_basic,
  tableFeatures,
  useTable,
} from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type CSSProperties, type KeyboardEvent, type MouseEvent, type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { Pages } from "@/api/queries";
import { useFormat } from "@/frame/format";
import css from "./parts.module.css";
import { Loading, Problem } from "./Says";

export interface Column<T> {
  id: string;
  header: string;
  /** Pixels; `grow` columns share what is left. */
  width: number;
  grow?: boolean;
  right?: boolean;
  /** Not shown until chosen. */
  hidden?: boolean;
  cell: (row: T) => ReactNode;
  /** Makes the column sortable in a table whose rows are all here. */
  sort?: (row: T) => string | number | null | undefined;
}

interface DataTableProps<T> {
  /** Keeps the choice of columns. */
  id: string;
  label: string;
  columns: Column<T>[];
  /** From `usePages`, or `wholeList(query)` where all rows come at once. */
  pages: Pages<T>;
  rowKey: (row: T) => string;
  /** Enter or a click on the row. */
  onOpen?: (row: T) => void;
  /** What is empty and how it fills: `<Empty …/>`. */
  empty: ReactNode;
  /** "devices": said while loading and in the foot. */
  noun: string;
  /** How many there are altogether, where it is known. */
  total?: number;
  selection?: { selected: ReadonlySet<string>; onChange: (selected: ReadonlySet<string>) => void };
  /** Fill the height that the screen leaves (with `<Screen fill>`); else `height` pixels. */
  fill?: boolean;
  height?: number;
  /** At the right of the bar: export, bulk actions. */
  tools?: ReactNode;
  /** At the left of the bar, before the count. */
  title?: string;
  /** After the count. */
  note?: ReactNode;
  /** Without the bar: for small tables within a panel. */
  bare?: boolean;
}

const ROW = 34;
const HEAD = 30;
const features = tableFeatures({
  columnVisibilityFeature,
  rowSortingFeature,
  sortedRowModel: createSortedRowModel(),
  sortFns: { alphanumeric: sortFn_alphanumeric, basic: sortFn_basic },
});

export function DataTable<T>({ id, label, columns, pages, rowKey, onOpen, empty, noun, total, selection, fill, height, tools, title, note, bare }: DataTableProps<T>) {
  const format = useFormat();
  const [chosen, setChosen] = useLocalStorage<ColumnVisibilityState>({ key: `fairlead-columns-${id}`, defaultValue: {}, getInitialValueInEffect: false });
  const [sorting, setSorting] = useState<SortingState>([]);
  const sortable = !pages.more;
  const visibility = useMemo(() => ({ ...Object.fromEntries(columns.map((one) => [one.id, !one.hidden])), ...chosen }), [columns, chosen]);

  const defined = useMemo(() => {
    const helper = createColumnHelper<typeof features, T & object>();
    return columns.map((one) =>
      helper.accessor((row: T & object) => one.sort?.(row) ?? undefined, { id: one.id, header: one.header, enableSorting: one.sort !== undefined, sortUndefined: "last", sortFn: "alphanumeric" }),
    );
  }, [columns]);

  const table = useTable({
    features,
    columns: defined as never,
    data: pages.rows as (T & object)[],
    getRowId: (row: T & object) => rowKey(row),
    state: { columnVisibility: visibility, sorting: sortable ? sorting : [] },
    onColumnVisibilityChange: (change) => setChosen(typeof change === "function" ? change(visibility) : change),
    onSortingChange: setSorting,
  });

  const rows = table.getRowModel().rows;
  const shown = useMemo(() => columns.filter((one) => visibility[one.id]), [columns, visibility]);
  const template = `${selection ? "2.25rem " : ""}${shown.map((one) => (one.grow ? `minmax(${one.width}px, 1fr)` : `${one.width}px`)).join(" ")}${shown.some((one) => one.grow) ? "" : " minmax(0, 1fr)"}`;

  // as wide as its columns are at least, in every row alike: a row that took its own content's width would stand askew
  const least = shown.reduce((sum, one) => sum + one.width, selection ? 36 : 0);

  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 12,
    scrollPaddingStart: HEAD,
  });
  const drawn = virtual.getVirtualItems();
  const last = drawn[drawn.length - 1]?.index ?? -1;
  const { more, loadingMore, loadMore, error } = pages;
  useEffect(() => {
    if (more && !loadingMore && !error && last >= rows.length - 40) void loadMore();
  }, [more, loadingMore, error, last, rows.length, loadMore]);

  const [at, setAt] = useState(0);
  const current = Math.min(at, Math.max(0, rows.length - 1));
  const go = useCallback(
    (index: number) => {
      const to = Math.max(0, Math.min(rows.length - 1, index));
      setAt(to);
      virtual.scrollToIndex(to);
      requestAnimationFrame(() => scroller.current?.querySelector<HTMLElement>(`[data-index="${to}"]`)?.focus());
    },
    [rows.length, virtual],
  );

  function toggle(key: string) {
    if (!selection) return;
    const next = new Set(selection.selected);
    if (!next.delete(key)) next.add(key);
    selection.onChange(next);
  }

  function onKey(event: KeyboardEvent, index: number) {
    if (event.target !== event.currentTarget) return; // a link or button within the row
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 400) / ROW) - 2);
    const to = { ArrowDown: index + 1, ArrowUp: index - 1, PageDown: index + page, PageUp: index - page, Home: 0, End: rows.length - 1 }[event.key];
    const row = rows[index];
    if (to !== undefined) go(to);
    else if (event.key === "Enter" && row && onOpen) onOpen(row.original);
    else if (event.key === " " && row && selection) toggle(row.id);
    else return;
    event.preventDefault();
  }

  function onClick(event: MouseEvent, row: T) {
    if ((event.target as Element).closest("a,button,input,label")) return;
    if (window.getSelection()?.toString()) return; // someone marks text to copy it
    onOpen?.(row);
  }

  const every = selection !== undefined && rows.length > 0 && rows.every((row) => selection.selected.has(row.id));
  const fixed = fill ? undefined : (height ?? Math.min(12, rows.length || 4) * ROW + HEAD + 2);
  return (
    <div className={css.tableBox} data-fill={fill || undefined} style={bare ? { border: 0, borderRadius: 0 } : undefined}>
      {!bare && (
        <div className={css.tableBar}>
          {title && <h2 className={css.panelTitle}>{title}</h2>}
          <span aria-live="polite">{said()}</span>
          {note}
          <span className={css.tableBarRight}>
            {tools}
            <Menu position="bottom-end" closeOnItemClick={false} width={220}>
              <Tooltip label="Choose columns">
                <Menu.Target>
                  <ActionIcon variant="subtle" color="gray" aria-label="Choose columns">
                    <IconColumns3 size={16} />
                  </ActionIcon>
                </Menu.Target>
              </Tooltip>
              <Menu.Dropdown mah="24rem" style={{ overflowY: "auto" }}>
                {columns.map((one) => (
                  <Menu.Item key={one.id} fz="sm" py={4} onClick={() => setChosen({ ...visibility, [one.id]: !visibility[one.id] })} role="menuitemcheckbox" aria-checked={visibility[one.id] === true} leftSection={<Checkbox size="xs" checked={visibility[one.id] === true} readOnly tabIndex={-1} aria-hidden />}>
                    {one.header}
                  </Menu.Item>
                ))}
                <Menu.Divider />
                <Menu.Item fz="sm" py={4} onClick={() => setChosen({})}>
                  As it was at first
                </Menu.Item>
              </Menu.Dropdown>
            </Menu>
          </span>
        </div>
      )}
      <div ref={scroller} className={css.scroll} tabIndex={rows.length === 0 ? 0 : undefined} data-busy={pages.filtering || undefined} style={fixed === undefined ? undefined : { flex: "none", height: fixed }}>
        <div role="grid" aria-label={label} aria-rowcount={pages.more ? -1 : rows.length + 1} aria-colcount={shown.length + (selection ? 1 : 0)} aria-busy={pages.loading || pages.filtering} aria-multiselectable={selection ? true : undefined} style={{ "--least": `${least}px` } as CSSProperties}>
          <div className={css.head} role="rowgroup">
            <div className={css.row} role="row" aria-rowindex={1} style={{ gridTemplateColumns: template }}>
              {selection && (
                <div className={css.cell} data-tick role="columnheader">
                  <Checkbox size="xs" aria-label={`Select all ${noun} that are loaded`} checked={every} indeterminate={!every && selection.selected.size > 0} onChange={() => selection.onChange(every ? new Set() : new Set(rows.map((row) => row.id)))} />
                </div>
              )}
              {shown.map((one) => {
                const column = table.getColumn(one.id);
                const sorted = sortable ? column?.getIsSorted() : false;
                return (
                  <div key={one.id} className={css.cell} role="columnheader" data-right={one.right || undefined} aria-sort={sorted === "asc" ? "ascending" : sorted === "desc" ? "descending" : undefined}>
                    {sortable && one.sort ? (
                      <UnstyledButton className={css.sort} onClick={() => column?.toggleSorting()}>
                        {one.header}
                        {sorted === "asc" && <IconArrowUp size={12} aria-hidden />}
                        {sorted === "desc" && <IconArrowDown size={12} aria-hidden />}
                      </UnstyledButton>
                    ) : (
                      one.header
                    )}
                  </div>
                );
              })}
            </div>
          </div>
          <div className={css.body} role="rowgroup" style={{ height: virtual.getTotalSize() }}>
            {drawn.map((item) => {
              const row = rows[item.index];
              if (!row) return null;
              return (
                <div
                  key={row.id}
                  className={css.row}
                  role="row"
                  data-index={item.index}
                  data-opens={onOpen ? true : undefined}
                  aria-rowindex={item.index + 2}
                  aria-selected={selection ? selection.selected.has(row.id) : undefined}
                  tabIndex={item.index === current ? 0 : -1}
                  onKeyDown={(event) => onKey(event, item.index)}
                  onClick={(event) => onClick(event, row.original)}
                  onFocus={() => setAt(item.index)}
                  style={{ gridTemplateColumns: template, transform: `translateY(${item.start}px)` }}
                >
                  {selection && (
                    <div className={css.cell} data-tick role="gridcell">
                      <Checkbox size="xs" tabIndex={-1} aria-label={`Select ${row.id}`} checked={selection.selected.has(row.id)} onChange={() => toggle(row.id)} />
                    </div>
                  )}
                  {shown.map((one) => (
                    <div key={one.id} className={css.cell} role="gridcell" data-right={one.right || undefined}>
                      {one.cell(row.original)}
                    </div>
                  ))}
                </div>
              );
            })}
          </div>
        </div>
        {rows.length === 0 && (
          <div className={css.tableSays}>{pages.error ? <Problem error={pages.error} retry={pages.retry} /> : pages.loading ? <Loading what={`Reading ${noun}`} /> : empty}</div>
        )}
      </div>
      {rows.length > 0 && (pages.loadingMore || pages.error) && (
        <div className={css.tableFoot}>{pages.error ? <Problem error={pages.error} retry={pages.retry} /> : <Loading what={`Reading more ${noun}`} />}</div>
      )}
    </div>
  );

  function said(): string {
    if (pages.loading) return `Reading ${noun}…`;
    if (pages.filtering) return `Filtering ${noun}…`;
    const here = format.number(rows.length);
    if (total !== undefined && total > rows.length) return `${here} of ${format.number(total)} ${noun}`;
    return pages.more ? `the first ${here} ${noun}, more as you scroll` : `${here} ${rows.length === 1 ? noun.replace(/ies$/, "y").replace(/s$/, "") : noun}`;
  }
}
