// The areas of the console, in the order of the navigation. `within`: further paths that belong to it.
import { IconAdjustmentsHorizontal, IconAlertTriangle, IconBook2, IconBox, IconChecklist, IconFileText, IconHistory, IconHome, IconPlugConnected, IconWorld } from "@tabler/icons-react";

export const AREAS = [
  { to: "/", name: "Home", icon: IconHome, within: [], keys: "g h" },
  { to: "/fleet", name: "Fleet", icon: IconBox, within: ["/devices"], keys: "g f" },
  { to: "/connectivity", name: "Connectivity", icon: IconPlugConnected, within: ["/carriers", "/subscriptions", "/bulk"], keys: "g c" },
  { to: "/policies", name: "Policies", icon: IconFileText, within: [], keys: "g p" },
  { to: "/changes", name: "Changes", icon: IconChecklist, within: ["/plans", "/jobs"], keys: "g x" },
  { to: "/findings", name: "Findings", icon: IconAlertTriangle, within: [], keys: "g i" },
  { to: "/countries", name: "Countries", icon: IconWorld, within: [], keys: "g w" },
  { to: "/journal", name: "Journal", icon: IconHistory, within: [], keys: "g j" },
  { to: "/reference", name: "Reference", icon: IconBook2, within: [], keys: "g r" },
  { to: "/settings", name: "Settings", icon: IconAdjustmentsHorizontal, within: [], keys: "g s" },
] as const;
