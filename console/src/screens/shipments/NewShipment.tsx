// What is to be sent where: a draft, nothing is judged yet. The API says what it cannot take, field by field.
import { Button, Group, Select, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { api, ok } from "@/api/client";
import { faultAt } from "@/api/problems";
import { useCountries, useWrite } from "@/api/queries";
import type { Shipment } from "@/api/shipments";
import { Problem } from "@/parts";

export function NewShipment({ onLeave, onDone }: { onLeave: () => void; onDone: (made: Shipment) => void }) {
  const countries = useCountries();
  const [country, setCountry] = useState<string | null>(null);
  const [names, setNames] = useState("");
  const [match, setMatch] = useState("");
  const [sku, setSku] = useState("");
  const [leaves, setLeaves] = useState("");
  const [arrives, setArrives] = useState("");
  const [route, setRoute] = useState("");
  const [note, setNote] = useState("");
  const devices = names.split(/[\s,]+/).filter(Boolean);
  const save = useWrite<void, Shipment>({
    send: (_, key) =>
      ok(
        api.POST("/v1/shipments", {
          headers: { "Idempotency-Key": key },
          body: { country: country ?? "", devices, match: match.trim() || null, sku: sku.trim() || null, leaves_on: leaves, arrives_on: arrives || null, route: route.trim(), note: note.trim() },
        }),
      ),
    touches: ["shipments", "journal"],
    done: (made) => `A draft of ${made.devices} ${made.devices === 1 ? "device" : "devices"}: check it next`,
    tellProblem: false,
  });
  const fault = (field: string) => faultAt(save.error, `/${field}`);
  const ready = country !== null && leaves !== "" && (devices.length > 0) !== (match.trim() !== "");
  return (
    <form
      className="fl-stack"
      autoComplete="off"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) save.mutate(undefined, { onSuccess: onDone });
      }}
    >
      <Select label="Country" description="where it goes" searchable required value={country} error={fault("country")} onChange={setCountry} data={(countries.data?.items ?? []).map((one) => ({ value: one.code, label: `${one.name} (${one.code})` }))} data-autofocus />
      <Textarea label="Devices" description="names or serials, one a line" value={names} error={fault("devices")} onChange={(event) => setNames(event.currentTarget.value)} autosize minRows={3} maxRows={10} />
      <TextInput label="Or a condition" description="all for which it holds now" placeholder={'batch == "2027-03" && sku == "TRK-1"'} value={match} error={fault("match")} onChange={(event) => setMatch(event.currentTarget.value)} />
      <Group grow align="start">
        <TextInput label="Leaves" type="date" required value={leaves} error={fault("leaves_on")} onChange={(event) => setLeaves(event.currentTarget.value)} />
        <TextInput label="Arrives" type="date" description="law is judged as of this day" value={arrives} error={fault("arrives_on")} onChange={(event) => setArrives(event.currentTarget.value)} />
        <TextInput label="SKU" description="what all of them must be" value={sku} error={fault("sku")} onChange={(event) => setSku(event.currentTarget.value)} />
      </Group>
      <TextInput label="Route" description="who carries it, by which way" value={route} onChange={(event) => setRoute(event.currentTarget.value)} />
      <TextInput label="Note" description="such as an order" value={note} onChange={(event) => setNote(event.currentTarget.value)} />
      {save.error && <Problem error={save.error} />}
      <Group justify="end">
        <Button variant="default" onClick={onLeave}>
          Leave it
        </Button>
        <Button type="submit" disabled={!ready} loading={save.isPending}>
          Make the draft
        </Button>
      </Group>
    </form>
  );
}
