// All that is fuzzed: `npm run fuzz TARGET MINUTES` takes a name of this table, and the slow suite runs each for a while.
// Who adds a target writes it beside these (`fuzzTarget`), and its line here.
import { checkpointTargets } from "./checkpoints.ts";
import type { FuzzTarget } from "./harness.ts";
import { hubTarget } from "./hub-target.ts";
import { imageTargets } from "./images.ts";
import { sideFileTargets } from "./side-files.ts";

export const targets: readonly FuzzTarget[] = [
  ...checkpointTargets,
  ...sideFileTargets,
  ...imageTargets,
  hubTarget,
];
