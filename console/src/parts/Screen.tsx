// Every screen is a `Screen`: title (also the tab's), a line beneath, actions at the right, then its body.
import { type ReactNode, useEffect } from "react";
import css from "./parts.module.css";

interface ScreenProps {
  title: string;
  /** Beside the title: a state, an age. */
  beside?: ReactNode;
  subtitle?: ReactNode;
  actions?: ReactNode;
  /** The body has the window's height and scrolls inside: for screens whose table fills them. */
  fill?: boolean;
  children: ReactNode;
}

export function Screen({ title, beside, subtitle, actions, fill, children }: ScreenProps) {
  useEffect(() => {
    document.title = `${title} · Fairlead`;
  }, [title]);
  return (
    <div className={css.screen} data-fill={fill || undefined}>
      <div className={css.screenHead}>
        <div>
          <h1 className={css.screenTitle}>
            {title} {beside}
          </h1>
          {subtitle && <div className={css.screenSub}>{subtitle}</div>}
        </div>
        {actions && <div className={css.screenActions}>{actions}</div>}
      </div>
      {children}
    </div>
  );
}

interface PanelProps {
  title?: string;
  note?: ReactNode;
  right?: ReactNode;
  /** No padding: for a table or a map. */
  flush?: boolean;
  children: ReactNode;
  className?: string;
}

export function Panel({ title, note, right, flush, children, className }: PanelProps) {
  return (
    <section className={className ? `${css.panel} ${className}` : css.panel} aria-label={title}>
      {title && (
        <header className={css.panelHead}>
          <h2 className={css.panelTitle}>{title}</h2>
          {note && <span className={css.panelNote}>{note}</span>}
          {right && <span className={css.panelRight}>{right}</span>}
        </header>
      )}
      <div className={css.panelBody} data-flush={flush || undefined}>
        {children}
      </div>
    </section>
  );
}
