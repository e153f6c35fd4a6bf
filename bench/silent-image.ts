// Measures the response time (median and 95th percentile) of healthy callers of `Batched`, without and with another
// caller whose image server never responds, in turn.
// Run: npx tsx bench/silent-image.ts [--rounds N] [--callers N]   (after npm run build)
import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";
import { Batched, Matcher } from "blip-ts";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "8" }, callers: { type: "string", default: "4" } },
});
const [rounds, callers] = [Number(values.rounds), Number(values.callers)];
const requests = 40;
const image = fileURLToPath(new URL("../examples/scenes/01.png", import.meta.url));

// Accepts requests and never responds.
const silent = createServer(() => undefined);
await new Promise<void>((listening) => silent.listen(0, "127.0.0.1", listening));
const address = silent.address();
if (typeof address !== "object" || address === null) throw new Error("the server has no address");
const place = `http://127.0.0.1:${address.port}/image.png`;

await using matcher = await Matcher.fromPretrained("picture-book");
const times: Readonly<Record<"without" | "with", number[]>> = { without: [], with: [] };

async function measure(kind: "without" | "with"): Promise<void> {
  const batched = new Batched({ matcher });
  await batched.match(image, ["a sheep"]);
  const stop = new AbortController();
  const stuck =
    kind === "with"
      ? batched.match(place, ["a sheep"], { caller: "silent", signal: stop.signal }).catch(() => undefined)
      : undefined;
  const ask = async (caller: string) => {
    for (let request = 0; request < requests; request++) {
      const started = performance.now();
      await batched.match(image, [`a sheep ${request % 4}`], { caller });
      times[kind].push(performance.now() - started);
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, index) => ask(`healthy ${index}`)));
  stop.abort();
  await stuck;
  await batched.close();
}

for (let round = 0; round < rounds; round++) {
  const order = round % 2 === 0 ? (["without", "with"] as const) : (["with", "without"] as const);
  for (const kind of order) await measure(kind);
}
const at = (list: readonly number[], share: number) =>
  [...list].sort((a, b) => a - b)[Math.floor(list.length * share)] ?? NaN;
for (const kind of ["without", "with"] as const)
  console.log(
    `${kind}: median ${at(times[kind], 0.5).toFixed(1)} ms, p95 ${at(times[kind], 0.95).toFixed(1)} ms, ${times[kind].length} answers`,
  );
console.log(`p95 with / without: ${(at(times.with, 0.95) / at(times.without, 0.95)).toFixed(2)}`);
silent.closeAllConnections();
silent.close();
