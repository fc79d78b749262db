// The design, once: colours with a meaning, type, spacing. Everything else takes them from here: components through
// Mantine's theme, style sheets through `--fl-*`, charts through `chartColours()`.
import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from "@mantine/core";

const harbour: MantineColorsTuple = [
  "#e8f6f9", "#d3e9ef", "#a5d3df", "#74bccf", "#4ea8c0", "#3799b5", "#2790ae", "#167c99", "#0b6a85", "#00566e",
];
const slate: MantineColorsTuple = [ // Mantine's `dark`: text at 0, page at 7
  "#d7dde4", "#b4bdc8", "#8d99a8", "#657284", "#3d4856", "#2c3541", "#1d242d", "#141a21", "#0f141a", "#0a0e13",
];

/** What a colour says. Nothing is coloured for looks. */
export const TONES = ["ok", "warn", "bad", "info", "idle", "move"] as const;
export type Tone = (typeof TONES)[number];

interface Shade {
  strong: string; // marks, lines, dots: 3:1 on the page
  text: string; // words on `soft` and on the page: 4.5:1
  soft: string; // backgrounds
}

const light: Record<Tone, Shade> = {
  ok: { strong: "#1a8a52", text: "#0f6b3d", soft: "#e2f4ea" },
  warn: { strong: "#b8740a", text: "#885300", soft: "#fdf0d9" },
  bad: { strong: "#cf3636", text: "#ad2323", soft: "#fde8e8" },
  info: { strong: "#167c99", text: "#0b5e76", soft: "#e0f1f6" },
  idle: { strong: "#6b7787", text: "#4c5867", soft: "#edf0f3" },
  move: { strong: "#6d5bd0", text: "#5341b8", soft: "#eeebfb" },
};
const dark: Record<Tone, Shade> = {
  ok: { strong: "#3fb97a", text: "#6fd6a0", soft: "#12301f" },
  warn: { strong: "#d99a2b", text: "#efbf6a", soft: "#35260d" },
  bad: { strong: "#ec5d5d", text: "#ff9a97", soft: "#3b1719" },
  info: { strong: "#4ea8c0", text: "#86cfe2", soft: "#0f2b34" },
  idle: { strong: "#7d8a9b", text: "#aab5c2", soft: "#222a34" },
  move: { strong: "#9a8bf0", text: "#bdb2fa", soft: "#262046" },
};

const surfaces = {
  light: { page: "#f6f7f9", panel: "#ffffff", sunken: "#eff2f5", line: "#dde2e8", lineStrong: "#bcc5cf", text: "#17202b", dim: "#556170", hover: "#eef3f6", selected: "#e0f1f6" },
  dark: { page: "#0f141a", panel: "#151b22", sunken: "#10151b", line: "#262f3a", lineStrong: "#3d4856", text: "#dde3ea", dim: "#93a0af", hover: "#1b232c", selected: "#12303a" },
};

export const theme = createTheme({
  primaryColor: "harbour",
  primaryShade: { light: 8, dark: 7 },
  colors: { harbour, dark: slate },
  black: surfaces.light.text,
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", "DejaVu Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "Cascadia Mono", "Noto Sans Mono", "Liberation Mono", "DejaVu Sans Mono", monospace',
  fontSizes: { xs: "0.75rem", sm: "0.8125rem", md: "0.875rem", lg: "1rem", xl: "1.125rem" },
  lineHeights: { xs: "1.35", sm: "1.4", md: "1.45", lg: "1.45", xl: "1.4" },
  spacing: { xs: "0.5rem", sm: "0.75rem", md: "1rem", lg: "1.5rem", xl: "2rem" },
  radius: { xs: "2px", sm: "4px", md: "6px", lg: "8px", xl: "12px" },
  defaultRadius: "sm",
  cursorType: "pointer",
  focusRing: "auto",
  respectReducedMotion: true,
  headings: { fontWeight: "600", sizes: { h1: { fontSize: "1.25rem" }, h2: { fontSize: "1rem" }, h3: { fontSize: "0.875rem" } } },
  components: {
    Button: { defaultProps: { size: "xs" } },
    TextInput: { defaultProps: { size: "sm" } },
    PasswordInput: { defaultProps: { size: "sm" } },
    Select: { defaultProps: { size: "sm" } },
    Textarea: { defaultProps: { size: "sm" } },
    Tooltip: { defaultProps: { openDelay: 200, withArrow: true, multiline: true, maw: 360, events: { hover: true, focus: true, touch: true } } },
    Modal: { defaultProps: { centered: true, overlayProps: { backgroundOpacity: 0.5 }, transitionProps: { duration: 100 }, closeButtonProps: { "aria-label": "Close" } } },
    Drawer: { defaultProps: { closeButtonProps: { "aria-label": "Close" }, overlayProps: { backgroundOpacity: 0.5 }, transitionProps: { duration: 100 } } },
    ModalHeader: { defaultProps: { role: "none" } }, // a `header` in a dialog is no banner of the page
    DrawerHeader: { defaultProps: { role: "none" } },
    Notification: { defaultProps: { closeButtonProps: { "aria-label": "Put the notice away" } } },
    Menu: { defaultProps: { shadow: "md", transitionProps: { duration: 80 }, withInitialFocusPlaceholder: false } }, // the placeholder is no item of a menu
  },
});

export const variables: CSSVariablesResolver = () => ({
  variables: { "--fl-header": "46px", "--fl-row": "34px" },
  light: { ...named(surfaces.light, light), "--mantine-color-body": surfaces.light.page, "--mantine-color-dimmed": surfaces.light.dim, "--mantine-color-error": light.bad.text },
  dark: { ...named(surfaces.dark, dark), "--mantine-color-body": surfaces.dark.page, "--mantine-color-dimmed": surfaces.dark.dim, "--mantine-color-error": dark.bad.text, "--mantine-color-text": surfaces.dark.text },
});

function named(surface: Record<string, string>, tones: Record<Tone, Shade>): Record<string, string> {
  const made: Record<string, string> = {};
  for (const [name, value] of Object.entries(surface)) made[`--fl-${name.replace(/[A-Z]/g, (one) => `-${one.toLowerCase()}`)}`] = value;
  for (const tone of TONES) {
    made[`--fl-${tone}`] = tones[tone].strong;
    made[`--fl-${tone}-text`] = tones[tone].text;
    made[`--fl-${tone}-soft`] = tones[tone].soft;
  }
  return made;
}

/** The same colours for a canvas, which knows no variables. */
export function chartColours(scheme: "light" | "dark") {
  const tones = scheme === "dark" ? dark : light;
  return {
    ...surfaces[scheme],
    ...(Object.fromEntries(TONES.map((tone) => [tone, tones[tone].strong])) as Record<Tone, string>),
    series: [tones.info.strong, tones.move.strong, tones.ok.strong, tones.warn.strong, tones.bad.strong, tones.idle.strong],
    ramp: scheme === "dark" ? ["#16323c", "#1f5263", "#2b7790", "#4ea8c0", "#9adbea"] : ["#d9eef4", "#a5d3df", "#5fb2c8", "#2184a2", "#0b566d"],
  };
}
