// Carrier accounts as cards: what each can do, what is left of its budgets, how fresh it is, and its SIMs by state.
import { Modal, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, ok } from "@/api/client";
import { countryName, useFormat } from "@/frame/format";
import { ActionButton, CarrierLink, Empty, Loading, Panel, Problem } from "@/parts";
import { Budgets, Fresh, SimStates, Sweep, VerbWords } from "../carrier/Account";
import { AccountForm } from "../carrier/AccountForm";
import account from "../carrier/carrier.module.css";
import css from "./connectivity.module.css";

export function Carriers() {
  const format = useFormat();
  const navigate = useNavigate();
  const [adding, setAdding] = useState(false);
  const carriers = useQuery({ queryKey: ["carriers", "all"], queryFn: () => ok(api.GET("/v1/carriers")), refetchInterval: 30_000 });
  if (carriers.isPending) return <Loading what="Reading carrier accounts" />;
  if (carriers.error) return <Panel><Problem error={carriers.error} retry={carriers.refetch} /></Panel>;
  const sorted = [...carriers.data].sort((a, b) => Number(b.failing_since !== null) - Number(a.failing_since !== null) || b.sims.total - a.sims.total || a.name.localeCompare(b.name));
  const failing = sorted.filter((one) => one.failing_since !== null).length;
  return (
    <>
      <div className={css.bar}>
        <span>
          {format.number(sorted.length)} {sorted.length === 1 ? "account" : "accounts"}
          {failing > 0 ? `, ${format.number(failing)} failing` : sorted.length > 0 ? ", none failing" : ""}
        </span>
        <ActionButton permission="carriers.write" onClick={() => setAdding(true)}>
          Add a carrier account…
        </ActionButton>
      </div>
      {sorted.length === 0 && (
        <Panel>
          <Empty title="There is no carrier account yet">An account is one contract with one carrier: its inventory is read, and its subscriptions can be changed. A carrier without an interface is kept too: its SIMs come by import.</Empty>
        </Panel>
      )}
      <div className={css.cards}>
        {sorted.map((one) => (
          <div key={one.id}>
            <Panel right={<Fresh account={one} />} title={one.name}>
              <div className={account.card}>
                <span className={account.cardName}>
                  {one.carrier}
                  {one.home_country && ` · ${countryName(one.home_country)}`} · {one.connector === "none" ? "no connector" : one.connector}
                </span>
                <Sweep account={one} />
                <div>
                  <span className={account.caption}>{format.number(one.sims.total)} SIMs</span>
                  <SimStates account={one} />
                </div>
                <div>
                  <span className={account.caption}>Calls left</span>
                  <Budgets account={one} />
                </div>
                <VerbWords account={one} />
                <CarrierLink account={one.name}>Open the account</CarrierLink>
              </div>
            </Panel>
          </div>
        ))}
      </div>
      <Modal opened={adding} onClose={() => setAdding(false)} title={<Text fw={600}>Add a carrier account</Text>} size="lg">
        {adding && <AccountForm onLeave={() => setAdding(false)} onDone={(made) => void navigate({ to: "/carriers/$account", params: { account: made.name } })} />}
      </Modal>
    </>
  );
}
