// Compares CapFilt's rate at base size, with random weights, with transformers, which captions and then matches the
// same images with the same options and threads. The two take turns. The two models share an image encoder. Needs a
// Python with torch and transformers (oracle/hf/requirements.txt).
//
//   python bench/capfilt.py make --out DIR
//   npx tsx bench/capfilt.ts --models DIR [--images 8] [--rounds 3] [--threads 1] [--batch 4] [--python P]
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { loadModels } from "../packages/blip/src/capfilt/models.ts";
import { Scorer, type ScoreBatch } from "../packages/blip/src/capfilt/score.ts";
import { nodeCapFiltHost } from "../packages/blip/src/platform/node/capfilt/host.ts";
import { nodePlatform } from "../packages/blip/src/platform/node/node-platform.ts";

const { values } = parseArgs({
  options: {
    models: { type: "string" },
    images: { type: "string", default: "8" },
    rounds: { type: "string", default: "3" },
    threads: { type: "string", default: "1" },
    batch: { type: "string", default: "4" },
    python: { type: "string", default: process.env.BLIP_BENCH_PYTHON ?? "python3" },
  },
});
const { models } = values;
if (models === undefined) throw new Error("usage: npx tsx bench/capfilt.ts --models DIR [--python P]");
const [count, rounds, threads, batch] = [values.images, values.rounds, values.threads, values.batch].map(
  Number,
);
if (!count || !rounds || !threads || !batch) throw new Error("expected positive whole numbers");

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const pictures = ["astronaut", "chelsea", "coffee", "rocket"];
const images = Array.from({ length: count }, (_, n) =>
  here(`../fixtures/images/${pictures[n % 4] ?? ""}.jpg`),
);
const web = "two people and a dog walk along the beach in the evening";

/** Starts transformers in its own process. It reports the seconds for captioning all images, then matching them. */
async function startPeer() {
  const args = ["serve", "--models", String(models), "--threads", String(threads), "--batch", String(batch)];
  const child = spawn(values.python, [here("capfilt.py"), ...args, "--images", ...images], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => {
    const next = await lines.next();
    if (next.done === true) throw new Error("the peer has ended");
    return next.value;
  };
  while ((await line()) !== "ready");
  return {
    async seconds() {
      child.stdin.write("run\n");
      return JSON.parse(await line()) as Readonly<
        Record<"caption" | "match" | "processor" | "tokens", number>
      >;
    },
    close: () => child.stdin.end(),
  };
}

async function startOurs(dtype: "fp32" | "int8") {
  const wanted = { captioner: `${String(models)}/caption`, filter: `${String(models)}/match` };
  const loaded = await loadModels(nodePlatform, nodeCapFiltHost, wanted, { dtype, threads, textHeads: 12 });
  if (!loaded.shared) throw new Error("expected one image encoder for both models");
  const scorer = new Scorer(loaded, {});
  const run = async (paths: readonly string[]) => {
    async function* batches(): AsyncGenerator<ScoreBatch<string>> {
      for (let at = 0; at < paths.length; at += Number(batch))
        yield await Promise.resolve(
          paths.slice(at, at + Number(batch)).map((image, n) => ({ image, texts: [web], seed: at + n })),
        );
    }
    let tokens = 0;
    const [begun, used] = [performance.now(), process.cpuUsage()];
    for await (const found of scorer.batches(batches()))
      for (const row of found) {
        if (row instanceof Error) throw row;
        tokens += row.synthetic?.tokens.length ?? 0;
      }
    const { user, system } = process.cpuUsage(used);
    return {
      seconds: (performance.now() - begun) / 1000,
      processor: (user + system) / 1e6,
      tokens: tokens / paths.length,
    };
  };
  // The first images create the sessions.
  await run(images.slice(0, batch));
  return { run: () => run(images), close: () => loaded.close() };
}

const median = (list: readonly number[]) =>
  [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? NaN;

const names = ["transformers", "fp32", "int8"] as const;
/** Seconds of the clock and of the processor. Other programs disturb the latter less. */
interface Sample {
  readonly clock: number;
  readonly processor: number;
}

const peer = await startPeer();
const ours = { fp32: await startOurs("fp32"), int8: await startOurs("int8") };
const samples: Record<(typeof names)[number], Sample[]> = { transformers: [], fp32: [], int8: [] };
for (let round = 0; round < rounds; round++) {
  const { caption, match, processor, tokens } = await peer.seconds();
  samples.transformers.push({ clock: caption + match, processor });
  const said = [
    `transformers ${caption.toFixed(2)} + ${match.toFixed(2)} s, processor ${processor.toFixed(2)} (${tokens} tokens)`,
  ];
  for (const dtype of ["fp32", "int8"] as const) {
    const found = await ours[dtype].run();
    samples[dtype].push({ clock: found.seconds, processor: found.processor });
    said.push(
      `${dtype} ${found.seconds.toFixed(2)} s, processor ${found.processor.toFixed(2)} (${found.tokens} tokens)`,
    );
  }
  console.log(`round ${round + 1}: ${said.join("; ")}`);
}
peer.close();
await ours.fp32.close();
await ours.int8.close();
const of = (name: (typeof names)[number], what: keyof Sample) =>
  median(samples[name].map((one) => one[what]));
console.log(`${count} images, ${threads} threads, batches of ${batch}; medians of ${rounds} rounds in turn:`);
for (const name of names) {
  const [clock, processor] = [of(name, "clock"), of(name, "processor")];
  const times = ([own, what]: readonly [number, keyof Sample]) => (of("transformers", what) / own).toFixed(2);
  console.log(
    `${name}: ${(count / clock / threads).toFixed(3)} images per second and core (${times([clock, "clock"])} times), ` +
      `${(count / processor).toFixed(3)} per second of processor time (${times([processor, "processor"])} times)`,
  );
}
