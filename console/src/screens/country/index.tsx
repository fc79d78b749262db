import { Empty, Panel, Screen } from "@/parts";

export default function CountryScreen() {
  return (
    <Screen title="Country" subtitle="One country. Not legal advice.">
      <Panel>
        <Empty title="This screen is not built yet">The API and the command line have it.</Empty>
      </Panel>
    </Screen>
  );
}
