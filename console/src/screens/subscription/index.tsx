// One subscription: what was bought, what the carrier says of it, what is on the air, and the card it is on.
import { Button, Menu } from "@mantine/core";
import { IconChevronDown } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useState } from "react";
import { BULK_VERBS, type BulkVerb, useMayAsk } from "@/api/bulk";
import { api, ok } from "@/api/client";
import type { ActionVerb } from "@/api/plans";
import { deviceQuery, useMay } from "@/api/queries";
import { ActionButton, ACTIONS, Age, AskAction, AskedChange, BulkFlow, CarrierLink, CountryLink, DeviceLink, Facts, Ident, Instant, Loading, Panel, Problem, Screen, StateBadge, wordsOf } from "@/parts";
import { History } from "../device/History";
import { Remote } from "../connectivity/rows";
import { Usage } from "./Usage";

const ON_LINE: { verb: BulkVerb; label: string; target: string }[] = [
  { verb: "suspend", label: "Suspend", target: "suspended" },
  { verb: "activate", label: "Resume", target: "active" },
];

export default function SubscriptionScreen() {
  const { ref } = useParams({ from: "/inside/subscriptions/$ref" });
  const [verb, setVerb] = useState<ActionVerb | null>(null);
  const [lineVerb, setLineVerb] = useState<BulkVerb | null>(null);
  const forbidden = useMayAsk();
  const mayPlan = useMay("plans.make");
  const [change, setChange] = useState<string | undefined>();
  const [kinds, setKinds] = useState<string[] | undefined>(["network", "subscription"]);
  const [entry, setEntry] = useState<string | undefined>();
  const read = useQuery({ queryKey: ["devices", "subscription", ref], queryFn: () => ok(api.GET("/v1/subscriptions/{ref}", { params: { path: { ref } } })) });
  const name = read.data?.device ?? "";
  const device = useQuery({ ...deviceQuery(name), enabled: name !== "" });
  if (read.isPending)
    return (
      <Screen title={ref}>
        <Loading what={`Reading ${ref}`} />
      </Screen>
    );
  if (read.error)
    return (
      <Screen title={ref}>
        <Panel>
          <Problem error={read.error} retry={read.refetch} />
        </Panel>
      </Screen>
    );
  const sim = read.data;
  const used = device.data?.facts.iccid;
  const inUse = used === sim.iccid;
  const reason = !sim.device ? "it is in no device, and actions are asked of devices" : !device.data ? "its device is being read" : !inUse ? `${sim.device} uses ${used ? `the SIM ${used}` : "no SIM that is known"}: an action would reach that one` : undefined;
  const yesNo = (value: boolean | null) => (value === null ? "not known" : value ? "yes" : "no");
  return (
    <Screen
      title={sim.iccid}
      beside={
        <>
          <StateBadge state={sim.state} hint={sim.provider_state ? `The carrier’s own word: ${sim.provider_state}` : "The carrier has not said"} />
          <StateBadge state={sim.connectivity} hint="What is on the air" />
        </>
      }
      subtitle={
        <>
          {sim.account} · {sim.plan ?? "no plan"} · said by the carrier <Age at={sim.observed_at} what={`State as ${sim.account} said it`} oldAfterS={86_400} />
        </>
      }
      actions={
        <>
          {ON_LINE.map((one) => (
            <ActionButton key={one.verb} reason={forbidden ?? (sim.state === one.target ? `it is ${one.target} already` : undefined)} onClick={() => setLineVerb(one.verb)}>
              {one.label}…
            </ActionButton>
          ))}
          <Menu position="bottom-end" width={300}>
            <Menu.Target>
              <Button variant="default" rightSection={<IconChevronDown size={14} aria-hidden />}>
                More
              </Button>
            </Menu.Target>
            <Menu.Dropdown mah="min(34rem, 80vh)" style={{ overflowY: "auto" }}>
              <Menu.Label>Of this SIM</Menu.Label>
              {forbidden && <Menu.Label style={{ whiteSpace: "normal" }}>{forbidden}</Menu.Label>}
              {BULK_VERBS.flatMap((part) => part.verbs)
                .filter((one) => !ON_LINE.some((first) => first.verb === one.verb))
                .map((one) => (
                  <Menu.Item key={one.verb} fz="sm" py={4} disabled={forbidden !== undefined} c={one.verb === "terminate" ? "var(--fl-bad-text)" : undefined} onClick={() => setLineVerb(one.verb)}>
                    {one.label}…
                  </Menu.Item>
                ))}
              <Menu.Divider />
              <Menu.Label style={{ whiteSpace: "normal" }}>{reason ? `Of its device, as a Change: ${reason}` : `Of ${sim.device}, as a Change that can end by the clock`}</Menu.Label>
              {ACTIONS.filter((one) => one.verb === "suspend" || one.verb === "resume").map((one) => (
                <Menu.Item key={one.verb} fz="sm" py={4} disabled={(reason ?? mayPlan) !== undefined} onClick={() => setVerb(one.verb)}>
                  {one.label} the device’s SIM…
                </Menu.Item>
              ))}
            </Menu.Dropdown>
          </Menu>
        </>
      }
    >
      {change && <AskedChange change={change} onForget={() => setChange(undefined)} />}
      <div className="fl-cols">
        <Panel title="What was bought" note={<Age at={sim.observed_at} what={`As ${sim.account} said it`} never="never said by the carrier" />}>
          <Facts
            items={[
              ["Carrier account", <CarrierLink key="account" account={sim.account} />],
              ["Plan", sim.plan],
              ["State", <StateBadge key="state" state={sim.state} />],
              ["Carrier’s own word", sim.provider_state && <code>{sim.provider_state}</code>],
              ["Held by the carrier", sim.hold_reasons.length > 0 ? sim.hold_reasons.map(wordsOf).join(", ") : "no"],
              ["Changes by itself", sim.auto_revert_at ? <Instant key="revert" at={sim.auto_revert_at} /> : "no"],
              ["Carrier’s id", <Ident key="pid" value={sim.provider_id} />],
              ["Id", <Ident key="id" value={sim.id} />],
            ]}
          />
        </Panel>
        <Panel title="On the air" note={<Age at={sim.connectivity_at} what={`As ${sim.account} said it`} never="never seen" />}>
          <Facts
            items={[
              ["Connectivity", <StateBadge key="air" state={sim.connectivity} />],
              ["Device", sim.device ? <DeviceLink key="device" device={sim.device} /> : "in none"],
              ["In use there", sim.device ? (device.data ? (inUse ? "yes" : "no: another SIM is") : "…") : null],
              ["Country of the device", sim.country && <CountryLink key="country" code={sim.country} />],
            ]}
          />
        </Panel>
        <Panel title="Profile and card">
          <Facts
            items={[
              ["ICCID", <Ident key="iccid" value={sim.iccid} />],
              ["IMSI", <Ident key="imsi" value={sim.imsi} />],
              ["MSISDN", <Ident key="msisdn" value={sim.msisdn} />],
              ["Profile enabled", yesNo(sim.enabled)],
              ["Home country", sim.home_country && <CountryLink key="home" code={sim.home_country} />],
              ["EID", <Ident key="eid" value={sim.eid} />],
              ["Form factor", sim.form_factor],
              ["Technology", sim.technology],
              ["Several IMSIs", yesNo(sim.multi_imsi)],
              ["Operator change", <Remote key="remote" remote={sim.remote} />],
            ]}
          />
        </Panel>
      </div>
      <Usage iccid={sim.iccid} />
      {sim.device && <History title="What happened to its device" device={sim.device} zone={null} kinds={kinds} onKinds={setKinds} entry={entry} onEntry={setEntry} />}
      <AskAction verb={verb} who={{ names: sim.device ? [sim.device] : [] }} note={<>Asked of {sim.device}, which uses this SIM.</>} onClose={() => setVerb(null)} onApplied={(made) => setChange(made.id)} />
      <BulkFlow verb={lineVerb} lines={{ iccids: [sim.iccid] }} whom={`the SIM ${sim.iccid}`} note={<>Asked of this SIM at {sim.account}{sim.device ? <>, whichever SIM {sim.device} uses</> : ", which is in no device"}.</>} onClose={() => setLineVerb(null)} />
    </Screen>
  );
}
