// Check, let pass, let leave, cancel: and why not, where not. The API decides.
import { Checkbox, Textarea } from "@mantine/core";
import { useState } from "react";
import { api, ok, useSession, useWrite } from "@/api/queries";
import { type ShipmentWhole, stopping, useMayShip } from "@/api/shipments";
import { countryName, useFormat } from "@/frame/format";
import { ActionButton, Confirm } from "@/parts";

const TOUCHES = ["shipments", "changes", "devices", "counts", "journal"];

export function Door({ shipment }: { shipment: ShipmentWhole }) {
  const format = useFormat();
  const session = useSession();
  const [asking, setAsking] = useState<"leave" | "override" | "cancel" | null>(null);
  const [reason, setReason] = useState("");
  const [agreed, setAgreed] = useState(false);
  const mayMake = useMayShip("plans.make");
  const mayLeave = useMayShip("changes.apply");
  const mayPass = useMayShip("changes.approve");
  const params = { path: { shipment: shipment.id } };
  const body = { reason: reason.trim() };
  const check = useWrite<void, ShipmentWhole>({ send: (_, key) => ok(api.POST("/v1/shipments/{shipment}/check", { params, headers: { "Idempotency-Key": key } })), touches: TOUCHES, done: (now) => (now.state === "ready" ? "Nothing stops it: it may leave" : "It is refused: each reason says what to do") });
  const leave = useWrite<void, ShipmentWhole>({ send: (_, key) => ok(api.POST("/v1/shipments/{shipment}/leave", { params, body: { ...body, approvals: agreed ? 1 : 0 }, headers: { "Idempotency-Key": key } })), touches: TOUCHES, done: () => "It has left, and its devices are being activated", tellProblem: false });
  const override = useWrite<void, ShipmentWhole>({ send: (_, key) => ok(api.POST("/v1/shipments/{shipment}/override", { params, body, headers: { "Idempotency-Key": key } })), touches: TOUCHES, done: () => "It may leave, as it was checked", tellProblem: false });
  const cancel = useWrite<void, ShipmentWhole>({ send: (_, key) => ok(api.POST("/v1/shipments/{shipment}/cancel", { params, body, headers: { "Idempotency-Key": key } })), touches: TOUCHES, done: () => "Cancelled: its devices are free for another", tellProblem: false });

  const { state } = shipment;
  if (state === "left" || state === "arrived" || state === "cancelled") return null;
  const found = stopping(shipment);
  const fixed = found.filter((one) => one.override === "nobody");
  const lawyers = found.some((one) => one.override === "compliance") && !session.roles.some((role) => role === "compliance" || role === "owner");
  const cannotPass =
    mayPass ??
    (shipment.author === session.principal
      ? "nobody lets their own shipment pass"
      : fixed.length > 0
        ? `nobody may let this pass (${fixed.map((one) => one.code).join(", ")}): do what the reason says`
        : lawyers
          ? "only compliance or the owner may let pass what the law prohibits"
          : undefined);
  const notReady = state === "draft" ? "check it first" : state === "refused" ? `it is refused: ${found.map((one) => one.code).join(", ")}` : undefined;
  const close = () => {
    setAsking(null);
    setReason("");
  };
  const why = <Textarea mt="sm" label="Reason" description="Kept in the journal" value={reason} onChange={(event) => setReason(event.currentTarget.value)} maxLength={2000} autosize minRows={1} />;
  return (
    <>
      <ActionButton reason={mayMake} color="red" variant="light" onClick={() => setAsking("cancel")}>
        Cancel it…
      </ActionButton>
      {state === "refused" && (
        <ActionButton reason={cannotPass} onClick={() => setAsking("override")}>
          Let it pass…
        </ActionButton>
      )}
      <ActionButton reason={mayMake} variant={state === "draft" ? "filled" : "default"} loading={check.isPending} onClick={() => check.mutate()}>
        {shipment.checked_at ? "Check again" : "Check"}
      </ActionButton>
      <ActionButton variant="filled" reason={mayLeave ?? notReady} onClick={() => setAsking("leave")}>
        Let it leave…
      </ActionButton>
      <Confirm opened={asking === "leave"} onClose={close} title={`Let it leave for ${countryName(shipment.country)}`} action="Let it leave" danger={false} touches={[{ name: "devices leave", value: format.number(shipment.devices) }, { name: "are activated", value: format.number(shipment.activation.devices) }]} onConfirm={() => leave.mutateAsync()}>
        Their subscriptions go into service now, and their first contact is waited for until after the day of arrival. What moved since the check is told instead, and nothing leaves.
        <Checkbox mt="sm" size="sm" label="Another person agrees to the activation first" description="Asked for where a carrier charges for it: the box is gone, its lines wait" checked={agreed} onChange={(event) => setAgreed(event.currentTarget.checked)} />
        {why}
      </Confirm>
      <Confirm opened={asking === "override"} onClose={close} title="Let a refused shipment pass" action="Let it pass" touches={[{ name: "reasons are passed over", value: format.number(found.length) }]} onConfirm={() => override.mutateAsync()}>
        {found.map((one) => one.says).join(" · ")}. It holds for this check only.
        {why}
      </Confirm>
      <Confirm opened={asking === "cancel"} onClose={close} title="Cancel the shipment" action="Cancel it" touches={[{ name: "devices are free for another", value: format.number(shipment.devices) }]} onConfirm={() => cancel.mutateAsync()}>
        Nothing was activated, and nothing is.
        {why}
      </Confirm>
    </>
  );
}
