// Measures time and peak memory of `blip eval retrieval` over 1,000 images and 5,000 texts with a tiny model, beside
// encoding the same images and texts and one matrix product. Each side runs in its own process, in turn.
// Run: npx tsx bench/retrieval.ts [--images N] [--runs N] [--k N]   (after npm run build)
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import sharp from "sharp";

const { values } = parseArgs({
  options: {
    images: { type: "string", default: "1000" },
    runs: { type: "string", default: "3" },
    k: { type: "string", default: "128" },
  },
});
const [count, runs] = [Number(values.images), Number(values.runs)];
const perImage = 5;
const root = new URL("../", import.meta.url);
const door = new URL("packages/blip/dist/node.js", root).href;
const model = new URL("fixtures/tiny/match-original", root).pathname;
const words =
  "a woman and her dog on the beach two red cars cat sitting under tree with snow house small".split(" ");

/** Makes a list of noise images, 96 x 96, with five texts each. The data are equal on every run. */
async function makeData(folder: string): Promise<string> {
  let state = 1;
  const random = (below: number) => (state = (state * 48271) % 2147483647) % below;
  await mkdir(join(folder, "images"));
  const list = [];
  for (let n = 0; n < count; n++) {
    const data = Buffer.from(Array.from({ length: 96 * 96 * 3 }, () => random(256)));
    await sharp(data, { raw: { width: 96, height: 96, channels: 3 } })
      .png()
      .toFile(join(folder, `images/${n}.png`));
    const text = () => Array.from({ length: 4 + random(10) }, () => words[random(words.length)]).join(" ");
    list.push({ image: `images/${n}.png`, caption: Array.from({ length: perImage }, text) });
  }
  await writeFile(join(folder, "list.json"), JSON.stringify(list));
  return join(folder, "list.json");
}

const head = `import { readFileSync } from "node:fs";
  import { evaluate, BlipForImageTextRetrieval, BlipProcessor, MatrixProduct } from ${JSON.stringify(door)};
  const begun = performance.now();
  const end = () => console.log(JSON.stringify({
    seconds: (performance.now() - begun) / 1000,
    cpu: (process.cpuUsage().user + process.cpuUsage().system) / 1e6,
    peak: Number(/VmHWM:\\s+(\\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]) / 1000,
  }));`;

const evaluated = (list: string, report: string, k: string) => `${head}
  await evaluate("retrieval", ${JSON.stringify(list)}, { model: ${JSON.stringify(model)}, k: ${k},
    report: ${JSON.stringify(report)}, restart: true });
  end();`;

/** Encodes the same images in the same batches and the same texts, and multiplies both. */
const encoded = (list: string) => `${head}
  const rows = JSON.parse(readFileSync(${JSON.stringify(list)}, "utf8"));
  const net = await BlipForImageTextRetrieval.fromPretrained(${JSON.stringify(model)}, { compat: "blip" });
  const processor = await BlipProcessor.fromPretrained(${JSON.stringify(model)}, { compat: "blip" });
  const texts = rows.flatMap((row) => row.caption);
  let features = 0;
  for (let from = 0; from < texts.length; from += 256)
    features += (await net.textFeatures(processor.textProcessor.encode(texts.slice(from, from + 256)))).data.length;
  const root = ${JSON.stringify(list)}.replace("list.json", "");
  const read = (part) => processor.imageProcessor.batch(part.map((row) => root + row.image));
  let next = read(rows.slice(0, 4));
  for (let from = 0; from < rows.length; from += 4) {
    const pixels = await next;
    next = read(rows.slice(from + 4, from + 8));
    features += (await net.encodeImages(pixels)).features.data.length;
  }
  await next;
  await net.close();
  const E = features / (rows.length + texts.length);
  const product = await MatrixProduct.load({ rows: rows.length, inner: E, columns: texts.length, count: 1 });
  await product.run();
  await product.close();
  end();`;

interface Measured {
  readonly seconds: number;
  readonly cpu: number;
  /** Peak memory in MB (10^6 bytes). */
  readonly peak: number;
}

async function run(script: string): Promise<Measured> {
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], {
    maxBuffer: 1 << 24,
  });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Measured;
}

const median = (list: readonly number[]) =>
  [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? NaN;

const folder = await mkdtemp(join(tmpdir(), "blip-bench-retrieval-"));
try {
  const list = await makeData(folder);
  const report = join(folder, "report.json");
  const found: Record<string, Measured[]> = { encoding: [], cosine: [], reranked: [] };
  for (let turn = 0; turn < runs; turn++) {
    found.encoding?.push(await run(encoded(list)));
    found.cosine?.push(await run(evaluated(list, report, "0")));
  }
  if (Number(values.k) > 0) found.reranked?.push(await run(evaluated(list, report, values.k)));
  console.log(
    `${count} images x ${count * perImage} texts, tiny model, ${cpus()[0]?.model ?? ""}, ${cpus().length} cores`,
  );
  for (const [name, all] of Object.entries(found))
    if (all.length > 0)
      console.log(
        `${name}: ${median(all.map(({ seconds }) => seconds)).toFixed(1)} s, ` +
          `${median(all.map(({ cpu }) => cpu)).toFixed(1)} s of processor, peak ${Math.round(median(all.map(({ peak }) => peak)))} MB`,
      );
  const ratio = (of: "seconds" | "cpu") =>
    median((found.cosine ?? []).map((one, turn) => one[of] / (found.encoding?.[turn]?.[of] ?? NaN)));
  console.log(
    `cosine alone / encoding and one product, turn by turn: ${ratio("seconds").toFixed(2)} of time, ${ratio("cpu").toFixed(2)} of processor`,
  );
} finally {
  await rm(folder, { recursive: true, force: true });
}
