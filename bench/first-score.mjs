// Measures the time from process start to the first ITM score and the peak memory, for blip-ts and
// transformers in turn.
//
//   node bench/first-score.mjs MODEL IMAGE [RUNS]
//
// MODEL is a full-size folder with model.safetensors (oracle/hf/full_size.py make). One run of each, which is not
// counted, warms the page cache. Times are taken from outside: from spawn to the line that the process prints.
import { spawn } from "node:child_process";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const [model, image, runs = "7"] = process.argv.slice(2);
const text = "a cat looking at the camera";

const sides = {
  "blip-ts": [process.execPath, [here("first-score-ours.mjs"), model, image, text]],
  transformers: [
    here("../oracle/hf/.venv/bin/python"),
    [here("../oracle/hf/first_score.py"), model, image, text],
  ],
};

function once([command, args]) {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "ignore"] });
    let out = "";
    let seconds = NaN;
    child.stdout.on("data", (part) => {
      out += part;
      if (out.includes("\n") && Number.isNaN(seconds)) seconds = (performance.now() - start) / 1000;
    });
    child.on("close", (code) =>
      code === 0 ? resolve({ ...JSON.parse(out), seconds }) : reject(new Error(`${command}: ${code}`)),
    );
  });
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const spread = (values) => `${Math.min(...values).toFixed(2)}-${Math.max(...values).toFixed(2)}`;

const found = { "blip-ts": [], transformers: [] };
for (let run = 0; run <= Number(runs); run++)
  for (const [name, side] of Object.entries(sides)) {
    const result = await once(side);
    if (run > 0) found[name].push(result);
  }
const ratios = (key) => found["blip-ts"].map((ours, index) => ours[key] / found.transformers[index][key]);
console.log(`${cpus().length} cores, ${cpus()[0]?.model}, Node ${process.version}, ${runs} runs in turn`);
for (const [name, rows] of Object.entries(found)) {
  const [seconds, memory] = [
    rows.map(({ seconds }) => seconds),
    rows.map(({ peakKilobytes }) => peakKilobytes / 1e6),
  ];
  console.log(
    `${name}: ${median(seconds).toFixed(2)} s (${spread(seconds)}), ${median(memory).toFixed(2)} GB (${spread(memory)}), logits ${rows[0].logits}`,
  );
}
for (const key of ["seconds", "peakKilobytes"])
  console.log(`${key}: ratio ${median(ratios(key)).toFixed(2)} (${spread(ratios(key))})`);
