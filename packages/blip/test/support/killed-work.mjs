// Work of the shipped package in a process of its own, which a test kills: WORK as JSON { kind, model, out }.
import process from "node:process";
const { convert, exportOnnx, inspect, Matcher, quantize } = await import("../../dist/node.js");

const { kind, model, out } = JSON.parse(process.argv[2] ?? "{}");
const quiet = { onWarning: () => undefined };
/** What the test does again afterwards, see killed-work.ts. */
const work = {
  download: () => inspect(model, quiet),
  keep: async () => (await Matcher.fromPretrained(model, { ...quiet, dtype: "int8" })).close(),
  convert: () => convert(model, out, { ...quiet, task: "match" }),
  quantize: () => quantize(model, out, { ...quiet, task: "match", dtype: "int8" }),
  export: () => exportOnnx(model, out, { ...quiet, task: "match" }),
}[kind];
process.stdout.write("begun\n");
await work?.();
process.stdout.write("done\n");
