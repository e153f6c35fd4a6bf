// The picture of a run's curves.
export { curvesOf } from "./svg.ts";
