import { Empty, Panel, Screen } from "@/parts";

export default function CarrierScreen() {
  return (
    <Screen title="Carrier account" subtitle="Capability, budget and freshness of one carrier account.">
      <Panel>
        <Empty title="This screen is not built yet">The API and the command line have it.</Empty>
      </Panel>
    </Screen>
  );
}
