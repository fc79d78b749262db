// Texts to start from. They are files of resources like any other, and a test of the server reads and proves each one:
// tests/unit/policy/test_templates.py.
import type { Kind } from "../api";
import baseConfig from "./base-config.yaml?raw";
import firstUse from "./first-use.yaml?raw";
import grant from "./grant.yaml?raw";
import localProfile from "./local-profile.yaml?raw";
import observe from "./observe.yaml?raw";
import session from "./session.yaml?raw";
import steering from "./steering.yaml?raw";
import strategy from "./strategy.yaml?raw";
import usageRule from "./usage-rule.yaml?raw";

export interface Template {
  id: string;
  kind: Kind;
  title: string;
  says: string;
  text: string;
}

export const TEMPLATES: Template[] = [
  { id: "local-profile", kind: "Policy", title: "Local profile before the clock runs out", says: "moves devices to a local card where roaming may not stay, with tests", text: localProfile },
  { id: "base-config", kind: "Policy", title: "Base configuration and an exception", says: "two layers: what every device starts from, and what one group has otherwise", text: baseConfig },
  { id: "observe", kind: "Policy", title: "Observe only", says: "records what it would have done, and moves nothing", text: observe },
  { id: "first-use", kind: "Policy", title: "Wake devices from the factory", says: "activates what leaves the factory, once it is heard from", text: firstUse },
  { id: "strategy", kind: "Strategy", title: "Ways in by law and size", says: "roaming, multi-IMSI or a local profile, country by country", text: strategy },
  { id: "steering", kind: "Steering", title: "Cheapest network that works", says: "networks in the order of preference", text: steering },
  { id: "session", kind: "SessionPolicy", title: "Stolen SIMs and runaway traffic", says: "quarantine, reject or throttle at the session", text: session },
  { id: "grant", kind: "Grant", title: "Meters report to one broker", says: "who may talk to what", text: grant },
  { id: "usage-rule", kind: "UsageRule", title: "Runaway lines", says: "suspends for a day what sends too much, on every carrier", text: usageRule },
];
