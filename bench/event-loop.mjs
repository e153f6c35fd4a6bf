// Prints the longest delay of the caller's event loop while a full-size `match` runs.
//
//   node bench/event-loop.mjs MODEL IMAGE...
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Matcher } from "blip-ts";

const [model, ...images] = process.argv.slice(2);
const matcher = await Matcher.fromPretrained(model);
const texts = ["a woman in an orange suit", "a cat looking at the camera", "a cup of coffee", "a rocket"];
for (const phase of ["first call, sessions are made", "second call"]) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const start = performance.now();
  delay.enable();
  let rows = 0;
  for await (const row of matcher.match(images, texts)) rows += "error" in row ? 0 : 1;
  delay.disable();
  const [longest, typical] = [delay.max, delay.percentile(99)].map((nanoseconds) =>
    (nanoseconds / 1e6).toFixed(1),
  );
  console.log(
    `${phase}: ${rows} rows in ${((performance.now() - start) / 1000).toFixed(2)} s; ` +
      `longest event-loop delay ${longest} ms, 99th percentile ${typical} ms`,
  );
}
await matcher[Symbol.asyncDispose]();
