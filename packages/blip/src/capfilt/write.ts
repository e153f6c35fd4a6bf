// The last pass: reads the data's rows together with their scores, writes and counts the kept pairs, and selects images
// for the page.
import { BlipError, closing, InputError } from "@blip-ts/base";
import { base64, placeName, type WebRow, type WebRowError, type WebRows } from "@blip-ts/datasets";
import type { FailedExample } from "../evaluate/options.ts";
import { dataChanged } from "./errors.ts";
import { isKept } from "./halves.ts";
import type { CapFiltHost } from "./host.ts";
import type { FailedRow, LoggedRow, RunIdentity, RunLog, ScoredRow } from "./log.ts";
import type { OutputFormat } from "./options.ts";
import { openWriter, type KeptPair, type OutputColumns, type PairWriter } from "./output/index.ts";
import type { PageRow, PageText } from "./page.ts";
import { RunCount } from "./report.ts";
import type { Probability } from "./score.ts";

export interface Writing {
  readonly host: CapFiltHost;
  readonly data: WebRows;
  readonly log: RunLog;
  readonly identity: RunIdentity;
  readonly threshold: number;
  readonly signal?: AbortSignal | undefined;
  readonly onRow: (done: number) => void;
}

export interface PairOutput {
  readonly format: OutputFormat;
  readonly folder: string;
  readonly columns: OutputColumns;
}

/** The maximum number of failed rows in a report. */
const named = 100;

/** The counts of the written pairs, and the failed rows. */
export interface Written {
  readonly count: RunCount;
  readonly failed: { readonly count: number; readonly first: readonly FailedExample[] };
}

/** Pairs each row of the data with its line of the log. @throws {InputError} `capfilt/data-changed` */
async function* sideBySide({
  data,
  log,
  signal,
}: Pick<Writing, "data" | "log" | "signal">): AsyncGenerator<readonly [WebRow | WebRowError, LoggedRow]> {
  const rows = data.rows()[Symbol.asyncIterator]();
  try {
    for await (const logged of log.rows()) {
      signal?.throwIfAborted();
      const row = await rows.next();
      if (row.done === true) throw dataChanged(data.name, logged.n);
      if ("error" in row.value && !("error" in logged)) throw dataChanged(data.name, logged.n);
      yield [row.value, logged];
    }
  } finally {
    await rows.return?.();
  }
}

/** The highest probability of the collected texts. */
const bestOf = (web: ScoredRow["web"]): Probability =>
  web.reduce<Probability>(
    (best, { probability }) =>
      probability !== null && (best === null || probability > best) ? probability : best,
    null,
  );

/** The kept pairs of a row: collected texts in order, then the synthetic text. */
function keptPairs(row: WebRow, scored: ScoredRow, { identity, threshold }: Writing): KeptPair[] {
  const { web, synthetic, seed } = scored;
  const shared = {
    capfilt_synthetic_probability: synthetic.probability,
    capfilt_synthetic: synthetic.text,
    capfilt_seed: seed,
    capfilt_captioner: identity.captioner.sha256,
    capfilt_filter: identity.filter.sha256,
  };
  const pair = (
    kind: KeptPair["kind"],
    text: string,
    probability: Probability,
    best: Probability,
  ): KeptPair[] =>
    probability !== null && isKept(probability, threshold)
      ? [
          {
            ...{ kind, text },
            provenance: {
              capfilt_source: placeName(row.place),
              capfilt_kind: kind,
              capfilt_probability: probability,
              capfilt_web_probability: best,
              ...shared,
            },
          },
        ]
      : [];
  return [
    ...web.flatMap(({ text, probability }) => pair("web", text, probability, probability)),
    ...pair("synthetic", synthetic.text, synthetic.probability, bestOf(web)),
  ];
}

/** A row that could not be written because its image is no longer readable. */
const failure = (row: WebRow, { code, message }: BlipError): FailedExample => ({
  place: placeName(row.place),
  code,
  message,
});

async function writeRows(writing: Writing, writer: PairWriter): Promise<Written> {
  const count = new RunCount(writing.threshold);
  const first: FailedExample[] = [];
  let failed = 0;
  const fail = (example: FailedExample) => {
    failed++;
    if (first.length < named) first.push(example);
  };
  for await (const [row, logged] of sideBySide(writing)) {
    if ("error" in logged) fail(failedExample(logged));
    else if (!("error" in row)) {
      const pairs = keptPairs(row, logged, writing);
      try {
        if (pairs.length > 0) await writer.add({ n: logged.n, row, pairs });
        count.add(logged);
      } catch (error) {
        if (!(error instanceof InputError && error.code.startsWith("image/"))) throw error;
        fail(failure(row, error));
      }
    }
    writing.onRow(logged.n + 1);
  }
  await writer.end();
  return { count, failed: { count: failed, first } };
}

export const failedExample = ({ where: place, error }: FailedRow): FailedExample => ({ place, ...error });

/**
 * Writes all kept pairs into a folder. The folder appears only once it is complete.
 * @throws {InputError} `capfilt/data-changed` @throws {UsageError} `capfilt/cannot-write` @throws the signal's reason
 */
export async function writeKept(writing: Writing, { format, folder, columns }: PairOutput): Promise<Written> {
  const { host, signal } = writing;
  const unfinished = `${folder}.part`;
  await host.remove(unfinished);
  await host.makeFolder(unfinished);
  const writer = await openWriter(format, { host, folder: unfinished, columns, signal });
  const written = await closing(writer, () => writeRows(writing, writer));
  await host.remove(folder);
  await host.rename(unfinished, folder);
  return written;
}

/** The length of a thumbnail's longer side, in pixels. */
const side = 160;

function nameOf({ place, image }: WebRow): string {
  if (image.kind === "path") return image.path;
  return image.kind === "url" ? image.url : placeName(place);
}

async function thumbnailOf({ host, signal }: Writing, { image }: WebRow): Promise<string | undefined> {
  try {
    return base64(await host.thumbnail(host.imageOf(image), side, signal));
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
}

const textsOf = ({ web, synthetic }: ScoredRow, threshold: number): PageText[] => [
  ...web.map(({ text, probability }) => ({
    ...{ kind: "web" as const, text, probability },
    isKept: isKept(probability, threshold),
  })),
  {
    ...{ kind: "synthetic" as const, text: synthetic.text, probability: synthetic.probability },
    isKept: isKept(synthetic.probability, threshold),
  },
];

/** Selects up to `most` rows for the page, evenly spaced over all rows. */
export async function* pageRows(writing: Writing, most: number): AsyncGenerator<PageRow> {
  const { rows } = writing.identity.data;
  let shown = 0;
  for await (const [row, logged] of sideBySide(writing)) {
    // The k-th image of the page is the first usable row at or after k / most of the rows.
    if (shown >= most || logged.n < Math.floor((shown * rows) / most)) continue;
    if ("error" in logged || "error" in row) continue;
    shown++;
    yield {
      name: nameOf(row),
      thumbnail: await thumbnailOf(writing, row),
      texts: textsOf(logged, writing.threshold),
    };
    if (shown === most) return;
  }
}
