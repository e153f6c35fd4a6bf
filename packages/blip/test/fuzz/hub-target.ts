// Target: what a hub answers. The cases are numbers, which decide every answer of a hub on 127.0.0.1.
import fc from "fast-check";
import { fuzzTarget } from "./harness.ts";
import { fuzzHubAnswers, type HubAnswersFuzzer } from "./hub-answers.ts";

let fuzzer: Promise<HubAnswersFuzzer> | undefined;

export const hubTarget = fuzzTarget({
  ...{ name: "hub-answers", cases: 400, megabytes: 300 },
  inputs: fc.nat(2 ** 32 - 1),
  async use(seed) {
    fuzzer ??= fuzzHubAnswers();
    const outcome = await (await fuzzer).run(seed);
    return outcome === "right" ? "loaded right" : outcome;
  },
  async close() {
    const open = await fuzzer;
    fuzzer = undefined;
    await open?.close();
  },
});
