import { Empty, Panel, Screen } from "@/parts";

export default function CountriesScreen() {
  return (
    <Screen title="Countries" subtitle="Stance, confidence, trend and sources. Not legal advice.">
      <Panel>
        <Empty title="This screen is not built yet">The API and the command line have it.</Empty>
      </Panel>
    </Screen>
  );
}
