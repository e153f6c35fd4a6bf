// The chart of a run's curves.
export { curvesOf } from "./svg.ts";
