// Runs work of the built package in a child process, which a test kills. The argument is JSON { kind, model, out }.
import process from "node:process";
const { convert, exportOnnx, inspect, Matcher, quantize } = await import("../../dist/node.js");

const { kind, model, out } = JSON.parse(process.argv[2] ?? "{}");
const quiet = { onWarning: () => undefined };
/** The same work as in killed-work.ts, where the test repeats it. */
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
