// CapFilt (BLIP, section 3.3): a captioner draws a caption for each collected image, and a filter drops every text that
// does not fit. A run counts, captions and filters the rows, and writes the kept pairs. Memory does not grow with the
// data, and a killed run can be resumed.
import { decodeDefaults } from "../processor/image-processor.ts";
import { atLeast, BlipError, closing, must, orClosed } from "@blip-ts/base";
import { placeName, type WebRow, type WebRowError, type WebRows } from "@blip-ts/datasets";
import { modelIdentities } from "../evaluate/identity.ts";
import { warningOf } from "../load/load-model.ts";
import type { Platform } from "../platform.ts";
import { rowError, verbOptions, type VerbOptions } from "../verbs/image-batches.ts";
import { version } from "../version.ts";
import { dataChanged, notARun, outOccupied } from "./errors.ts";
import type { CapFiltHost, CollectedImage } from "./host.ts";
import { openLog, type LoggedRow, type RunIdentity, type RunLog } from "./log.ts";
import { loadModels, type CapFiltModels } from "./models.ts";
import { checkOptions, defaults, type CapFiltOptions, type OutputFormat } from "./options.ts";
import { pageOf } from "./page.ts";
import { ProgressClock } from "./progress.ts";
import type { CapFiltReport } from "./report.ts";
import { keyOfImage, sampleSeed } from "./sample-seed.ts";
import { drawing, Scorer, type ScoreBatch, type Scores } from "./score.ts";
import { survey, type CountedData } from "./survey.ts";
import { failedExample, pageRows, writeKept, type Writing, type Written } from "./write.ts";

/** The files in a run's folder. */
export const runFiles = {
  log: "scores.jsonl",
  report: "report.json",
  page: "report.html",
  kept: "kept",
} as const;

/** The parts of a call. */
interface Call {
  readonly platform: Platform<CollectedImage>;
  readonly host: CapFiltHost;
  readonly data: WebRows;
  readonly out: string;
  readonly options: CapFiltOptions;
  readonly clock: ProgressClock;
}

const known: readonly string[] = [
  ...Object.values(runFiles),
  `${runFiles.log}.lock`,
  `${runFiles.kept}.part`,
];
/** Matches an unfinished file of a killed process. */
const isUnfinished = (name: string) => /^report\.(?:json|html)\.\d+\.part$/.test(name);
const isOwn = (name: string) => known.includes(name) || isUnfinished(name);

/** @throws {UsageError} `capfilt/out-occupied`, `capfilt/not-a-run`, `capfilt/cannot-write` */
async function checkOut({ host, out, options: { resume = false } }: Call): Promise<void> {
  const names = (await host.list(out)) ?? [];
  if (!resume && names.length > 0)
    throw outOccupied(out, `${names.slice(0, 4).join(", ")}${names.length > 4 ? ", ..." : ""}`);
  const foreign = names.find((name) => !isOwn(name));
  if (foreign !== undefined) throw notARun(out, foreign);
  await host.makeFolder(out);
}

/** The format of kept pairs. Default: the data's format. */
function formatOf({ data, options: { format } }: Call): OutputFormat {
  if (format !== undefined) return format;
  if (data.container === "image-folder") return "folder";
  return data.container === "json" ? "jsonl" : data.container;
}

/** The identity of a run: everything that affects a row's numbers. */
async function identityOf(
  { host, data, options }: Call,
  { captioner, filter }: Pair,
  counted: CountedData,
): Promise<RunIdentity> {
  const { signal, orientation, alpha, device = "cpu", maxPixels, prompt, seed = defaults.seed } = options;
  const { imageBatchSize = defaults.imageBatchSize, maxTextLength } = options;
  const { model } = captioner;
  const { pillowOrder, grey16 } = decodeDefaults(model.loaded.compat, options);
  const { generationConfig } = model.loaded;
  const [drawn] = model.generator.options([[model.loaded.tokens.dec]], drawing(options));
  const all = {
    compat: model.loaded.compat,
    captionerType: model.loaded.network.dtype,
    filterType: filter.model.loaded.network.dtype,
    textHeads: model.loaded.config.text.heads,
    ...{ device, orientation, alpha, maxPixels, maxTextLength, seed, prompt, imageBatchSize },
    // The adapter's content, independent of its path. Both models have the same one.
    adapter: model.loaded.opened.adapter?.sha256,
    ...{ pillowOrder, grey16 },
    generationConfig:
      typeof generationConfig === "object" ? JSON.stringify(generationConfig) : generationConfig,
    topP: drawn?.topP,
    topK: drawn?.topK,
    temperature: drawn?.temperature,
    repetitionPenalty: drawn?.repetitionPenalty,
    minLength: drawn?.minLength,
    maxLength: drawn && Number.isFinite(drawn.maxLength) ? drawn.maxLength : undefined,
  };
  const { rows, sha256 } = counted;
  const models = await modelIdentities(host, [model.loaded, filter.model.loaded], signal);
  const [ownCaptioner, ownFilter] = atLeast(models, 2);
  return {
    capfilt: version,
    captioner: ownCaptioner,
    filter: ownFilter,
    data: { name: data.name, rows, sha256 },
    // Options that were not given are null, so they are also compared.
    options: Object.fromEntries(Object.entries(all).map(([name, value]) => [name, value ?? null])),
  };
}

/** Both loaded models. */
interface Pair {
  readonly captioner: NonNullable<CapFiltModels<CollectedImage>["captioner"]>;
  readonly filter: NonNullable<CapFiltModels<CollectedImage>["filter"]>;
}

function both({ captioner, filter }: CapFiltModels<CollectedImage>): Pair {
  if (!captioner || !filter) throw new Error("both models were to be loaded");
  return { captioner, filter };
}

/** A numbered row of the data. */
interface NumberedRow {
  readonly n: number;
  readonly row: WebRow | WebRowError;
}

/** Batches of the remaining rows. Batches start at the same rows in every run. */
async function* batchesOf(data: WebRows, done: number, size: number): AsyncGenerator<NumberedRow[]> {
  let batch: NumberedRow[] = [];
  let n = 0;
  for await (const row of data.rows()) {
    if (n >= done) batch.push({ n, row });
    n++;
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

function loggedRow({ n, row }: NumberedRow, seed: number, scores: Scores | BlipError): LoggedRow {
  if ("error" in row || scores instanceof BlipError) {
    const error = "error" in row ? row.error : scores;
    if (!(error instanceof BlipError)) throw new Error(`row ${n} has no error`);
    return { n, where: placeName(row.place), error: rowError(error) };
  }
  if (!scores.synthetic) throw new Error(`row ${n} has no caption`);
  const { caption, probability, tokens, logProbability } = scores.synthetic;
  return {
    ...{ n, seed },
    web: row.texts.map((text, index) => ({ text, probability: must(scores.web, index, "probabilities") })),
    synthetic: { text: caption, probability, tokens, logProbability },
  };
}

/** Captions and filters the remaining rows. Each batch is logged before the next batch begins. */
async function scoreRows(call: Call, models: CapFiltModels<CollectedImage>, log: RunLog): Promise<void> {
  const { host, data, options, clock } = call;
  const { seed = defaults.seed, imageBatchSize = defaults.imageBatchSize } = options;
  const waiting: (NumberedRow & { readonly seed: number })[][] = [];
  async function* requests(): AsyncGenerator<ScoreBatch<CollectedImage>> {
    for await (const batch of batchesOf(data, log.count, imageBatchSize)) {
      const own = batch.map(({ n, row }) => {
        const drawn = "error" in row ? 0 : sampleSeed(host, seed, keyOfImage(host, row.image));
        return { n, row, seed: drawn };
      });
      waiting.push(own);
      yield own.map(({ row, seed: drawn }) =>
        "error" in row ? row.error : { image: host.imageOf(row.image), texts: row.texts, seed: drawn },
      );
    }
  }
  const scorer = new Scorer(models, options);
  for await (const answers of scorer.batches(requests())) {
    const batch = waiting.shift() ?? [];
    const rows = answers.map((scores, index) => {
      const own = batch[index];
      if (!own) throw dataChanged(data.name, log.count);
      return loggedRow(own, own.seed, scores);
    });
    await log.append(rows);
    for (const row of rows) if ("error" in row) options.onFailed?.(failedExample(row));
    clock.done(log.count, rows.filter((row) => !("error" in row)).length);
  }
}

interface Scored {
  readonly identity: RunIdentity;
  readonly log: RunLog;
  readonly shared: boolean;
}

/** Writes the kept pairs, the page and the report. */
async function finish(
  call: Call,
  counted: CountedData,
  { identity, log, shared }: Scored,
): Promise<CapFiltReport> {
  const { host, data, out, options, clock } = call;
  const { threshold = defaults.threshold, html = defaults.html, signal } = options;
  const format = formatOf(call);
  clock.begin("write", 0, counted.rows);
  const writing: Writing = {
    ...{ host, data, log, identity, threshold, signal },
    onRow: (done) => clock.done(done, 0),
  };
  const columns = {
    image: data.imageColumn,
    imageKind: counted.image,
    text: data.textColumn ?? "caption",
    others: counted.columns,
  };
  const written = await writeKept(writing, { format, folder: `${out}/${runFiles.kept}`, columns });
  const files = [runFiles.kept, runFiles.log, runFiles.report, ...(html > 0 ? [runFiles.page] : [])];
  const report = reportOf(
    { identity, shared, threshold, format, files, root: counted.paths ? data.root : null },
    written,
    clock,
  );
  const page = `${out}/${runFiles.page}`;
  if (html > 0) await host.writeFile(page, pageOf(report, pageRows(writing, html)));
  else await host.remove(page);
  await host.writeFile(`${out}/${runFiles.report}`, [`${JSON.stringify(report, undefined, 1)}\n`]);
  for (const name of (await host.list(out)) ?? [])
    if (isUnfinished(name)) await host.remove(`${out}/${name}`);
  return report;
}

interface Decided extends Pick<CapFiltReport, "threshold" | "format" | "files"> {
  readonly identity: RunIdentity;
  readonly shared: boolean;
  readonly root: string | null;
}

const reportOf = (
  { identity, shared, root, ...decided }: Decided,
  { count, failed }: Written,
  clock: ProgressClock,
): CapFiltReport => ({
  ...identity,
  sharedImageEncoder: shared,
  ...decided,
  ...count.report,
  failed,
  imageRoot: root,
  imagesPerSecond: clock.imagesPerSecond ?? null,
  seconds: clock.seconds,
});

/**
 * Captions and filters collected images with their texts, and writes the kept pairs.
 * @param out the run's folder: `kept/`, `scores.jsonl`, `report.json`, `report.html`
 * @throws {UsageError} `usage/bad-option`, `generate/...`, `capfilt/...`
 * @throws {InputError} `capfilt/no-rows`, `capfilt/data-changed`, and `dataset/...` if the data cannot be read
 * @throws {ModelError} if a model cannot be found, read, or used for its part @throws the signal's reason
 */
export async function runCapFilt(
  platform: Platform<CollectedImage>,
  host: CapFiltHost,
  open: () => Promise<WebRows>,
  out: string,
  options: CapFiltOptions = {},
): Promise<CapFiltReport> {
  checkOptions(options);
  const { signal } = options;
  const clock = new ProgressClock(() => host.now(), options.onStep);
  const data = await open();
  const warn = warningOf(platform, options);
  for (const warning of data.warnings) warn(warning);
  const call: Call = { platform, host, data, out, options, clock };
  await checkOut(call);
  clock.begin("data", 0, undefined);
  const counted = await survey(host, data, { signal, onRow: (rows) => clock.done(rows, 0) });
  const { captioner = "picture-book", filter = captioner } = options;
  const models = await loadModels(platform, host, { captioner, filter }, verbOptions<VerbOptions>(options));
  const { shared } = models;
  const { identity, log } = await closing(models, async () => {
    const own = await identityOf(call, both(models), counted);
    const path = `${out}/${runFiles.log}`;
    const file = await host.openRows(path);
    return orClosed(file, async () => {
      const rows = await openLog(path, file, own, options.imageBatchSize ?? defaults.imageBatchSize);
      clock.begin("rows", rows.count, counted.rows);
      await scoreRows(call, models, rows);
      return { identity: own, log: rows };
    });
  });
  return closing(log, () => finish(call, counted, { identity, log, shared }));
}
