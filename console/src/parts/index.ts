// The parts that screens are made of.
export * from "./Actions";
export * from "./Badges";
export * from "./Charts";
export { axes, Chart, type ChartColours, useChartColours } from "./Chart";
export * from "./Compare";
export * from "./DataTable";
export * from "./Facts";
export * from "./FilterChips";
export * from "./FourTicks";
export * from "./Json";
export * from "./Links";
export * from "./RuleCard";
export * from "./Says";
export * from "./Screen";
export * from "./Timeline";
export { toneOf, wordsOf } from "./states";
