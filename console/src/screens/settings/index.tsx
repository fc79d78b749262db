// Who and what this tenant is, what one may choose for oneself, and what this server is.
import { useHouseClock } from "@/api/clock";
import { useUrl } from "@/frame/url";
import { Screen, TextLink } from "@/parts";
import { About } from "./About";
import { Clock } from "./Clock";
import { Me, Preferences } from "./Me";
import { People } from "./People";
import { Provider } from "./Provider";
import { Roles } from "./Roles";
import { RulePacks } from "./RulePacks";
import { search } from "./search";
import css from "./settings.module.css";
import { Carriers, Tenant } from "./Tenant";
import { Tokens } from "./Tokens";

const PARTS = [
  { group: "This tenant", id: "tenant", name: "Tenant", body: Tenant },
  { group: "This tenant", id: "people", name: "People", body: People },
  { group: "This tenant", id: "roles", name: "Roles", body: Roles },
  { group: "This tenant", id: "tokens", name: "Tokens", body: Tokens },
  { group: "This tenant", id: "provider", name: "Identity provider", body: Provider },
  { group: "This tenant", id: "carriers", name: "Carriers", body: Carriers },
  { group: "This tenant", id: "rules", name: "Rule packs", body: RulePacks },
  { group: "You", id: "me", name: "My access", body: Me },
  { group: "You", id: "preferences", name: "Preferences", body: Preferences },
  { group: "This server", id: "clock", name: "Lab clock", body: Clock },
  { group: "This server", id: "about", name: "About", body: About },
] as const;

export default function SettingsScreen() {
  const [url] = useUrl(search);
  const clock = useHouseClock();
  const parts = PARTS.filter((one) => one.id !== "clock" || clock?.lab); // outside the lab, time is not anybody's to set
  const here = PARTS.find((one) => one.id === (url.part ?? "tenant")) ?? PARTS[0];
  const groups = [...new Set(parts.map((one) => one.group))];
  return (
    <Screen title="Settings">
      <div className={css.whole}>
        <nav className={css.parts} aria-label="Settings">
          {groups.map((group) => (
            <div key={group} style={{ display: "contents" }}>
              <h2>{group}</h2>
              {parts
                .filter((one) => one.group === group)
                .map((one) => (
                  <TextLink key={one.id} className={css.part} underline="never" to="/settings" search={{ part: one.id }} aria-current={one.id === here.id ? "page" : undefined}>
                    {one.name}
                  </TextLink>
                ))}
            </div>
          ))}
        </nav>
        <div className="fl-stack">
          <here.body />
        </div>
      </div>
    </Screen>
  );
}
