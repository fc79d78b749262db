// Deep links to every noun, by the name or id the API prints.
import { Anchor } from "@mantine/core";
import { createLink } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { countryName } from "@/frame/format";
import css from "./parts.module.css";

/** A text link with typed `to`, `params`, `search`. */
export const TextLink = createLink(Anchor<"a">);

const none = <span className={css.none}>–</span>;
const size = { fz: "inherit", inherit: true } as const;

export function DeviceLink({ device, children }: { device: string | null | undefined; children?: ReactNode }) {
  return device ? <TextLink {...size} to="/devices/$ref" params={{ ref: device }}>{children ?? device}</TextLink> : none;
}
export function ChangeLink({ change, children }: { change: string | null | undefined; children?: ReactNode }) {
  return change ? <TextLink {...size} to="/changes/$change" params={{ change }}>{children ?? <span className={css.mono}>{change}</span>}</TextLink> : none;
}
export function PlanLink({ plan, children }: { plan: string | null | undefined; children?: ReactNode }) {
  return plan ? <TextLink {...size} to="/plans/$plan" params={{ plan }}>{children ?? <span className={css.mono}>{plan}</span>}</TextLink> : none;
}
export function PolicyLink({ kind = "Policy", policy, children }: { kind?: string; policy: string | null | undefined; children?: ReactNode }) {
  return policy ? <TextLink {...size} to="/policies/$kind/$name" params={{ kind, name: policy }}>{children ?? policy}</TextLink> : none;
}
export function CountryLink({ code, children }: { code: string | null | undefined; children?: ReactNode }) {
  return code ? <TextLink {...size} to="/countries/$code" params={{ code }}>{children ?? countryName(code)}</TextLink> : none;
}
export function CarrierLink({ account, children }: { account: string | null | undefined; children?: ReactNode }) {
  return account ? <TextLink {...size} to="/carriers/$account" params={{ account }}>{children ?? account}</TextLink> : none;
}
export function SubscriptionLink({ subscription, children }: { subscription: string | null | undefined; children?: ReactNode }) {
  return subscription ? <TextLink {...size} to="/subscriptions/$ref" params={{ ref: subscription }}>{children ?? <span className={css.mono}>{subscription}</span>}</TextLink> : none;
}
export function BulkLink({ bulk, children }: { bulk: string | null | undefined; children?: ReactNode }) {
  return bulk ? <TextLink {...size} to="/bulk/$bulk" params={{ bulk }}>{children ?? <span className={css.mono}>{bulk}</span>}</TextLink> : none;
}
export function FindingLink({ finding, children }: { finding: string | null | undefined; children?: ReactNode }) {
  return finding ? <TextLink {...size} to="/findings/$finding" params={{ finding }}>{children ?? <span className={css.mono}>{finding}</span>}</TextLink> : none;
}
/** What a finding is about, with a link where the console has a page for it. */
export function FindingSubject({ subject }: { subject: { kind: string; id: string; name: string } }) {
  const link = () => {
    switch (subject.kind) {
      case "device":
        return <DeviceLink device={subject.id}>{subject.name}</DeviceLink>;
      case "account":
        return <CarrierLink account={subject.id}>{subject.name}</CarrierLink>;
      case "country":
        return <CountryLink code={subject.id}>{subject.name === subject.id ? undefined : subject.name}</CountryLink>;
      case "subscription":
        return <SubscriptionLink subscription={subject.id}>{subject.name}</SubscriptionLink>;
      case "policy":
        return <PolicyLink policy={subject.id}>{subject.name}</PolicyLink>;
      default:
        return subject.name;
    }
  };
  return (
    <span title={subject.id}>
      <span className={css.none}>{subject.kind}</span> {link()}
    </span>
  );
}
export function JobLink({ job, children }: { job: string | null | undefined; children?: ReactNode }) {
  return job ? <TextLink {...size} to="/jobs/$job" params={{ job }}>{children ?? <span className={css.mono}>{job}</span>}</TextLink> : none;
}
