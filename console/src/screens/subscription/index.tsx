import { Empty, Panel, Screen } from "@/parts";

export default function SubscriptionScreen() {
  return (
    <Screen title="Subscription" subtitle="One subscription, and what the carrier says of it.">
      <Panel>
        <Empty title="This screen is not built yet">The API and the command line have it.</Empty>
      </Panel>
    </Screen>
  );
}
