// Node's platform, with counts of how often each graph's sessions are loaded and run.
import { closedBy } from "@blip-ts/base";
import type { EngineSession } from "@blip-ts/engine";
import { nodePlatform } from "../../src/platform/node/node-platform.ts";
import type { Platform } from "../../src/platform.ts";

export function watchedRuns() {
  const runs = new Map<string, number>();
  const loads = new Map<string, number>();
  const count = (counts: Map<string, number>, name: string) => counts.set(name, (counts.get(name) ?? 0) + 1);
  const platform: Platform<string> = {
    ...nodePlatform,
    createEngine(options) {
      const engine = nodePlatform.createEngine(options);
      return {
        async createSession(model, more = {}) {
          const { name = "" } = more;
          count(loads, name);
          const session = await engine.createSession(model, more);
          const watched: EngineSession = {
            run: (...call) => {
              count(runs, name);
              return session.run(...call);
            },
            runRetaining: (...call) => {
              count(runs, name);
              return session.runRetaining(...call);
            },
            release: (tensors) => session.release(tensors),
            ...closedBy(() => session.close()),
          };
          return watched;
        },
        ...closedBy(() => engine.close()),
      };
    },
  };
  return { platform, runs, loads };
}
