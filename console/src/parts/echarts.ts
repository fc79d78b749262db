// ECharts with only what is used; this file is a chunk of its own, loaded by the first chart on a screen.
import { BarChart, GraphChart, LineChart, MapChart } from "echarts/charts";
import { GeoComponent, GridComponent, LegendComponent, MarkLineComponent, TooltipComponent, VisualMapComponent } from "echarts/components";
import { init, registerMap, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

use([BarChart, LineChart, MapChart, GraphChart, GridComponent, GeoComponent, TooltipComponent, LegendComponent, VisualMapComponent, MarkLineComponent, CanvasRenderer]);

export { init, registerMap };
