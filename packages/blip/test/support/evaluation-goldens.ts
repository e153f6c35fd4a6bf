// Tests `evaluate` on fixtures of common data formats with tiny models, against LAVIS's classes and metrics
// (oracle/legacy/evaluation_goldens.py).
import { captionMetrics } from "@blip-ts/metrics";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { evaluate, type EvaluationReport, type Results } from "blip-ts";
import { afterAll, describe, expect, test } from "vitest";
import { modelOf, readCase, removeCases, type EvaluationCase } from "./evaluation-cases.ts";
import { goldenJson } from "./goldens.ts";

type Matrix = readonly (readonly number[])[];

interface Golden {
  readonly cosines?: Matrix;
  readonly scores?: Readonly<Record<"imageToText" | "textToImage", Matrix>>;
  readonly cosine?: Readonly<Record<string, number>>;
  readonly reranked?: Readonly<Record<string, number>>;
  readonly captions?: readonly string[];
  readonly answers?: readonly string[];
  readonly accuracy?: number;
  readonly byAnswerType?: Readonly<Record<string, number>>;
  readonly probability?: readonly number[];
  readonly rows?: readonly { readonly probability: Matrix; readonly cosine: Matrix }[];
}

const { cases: golden } = await goldenJson<{ cases: Readonly<Record<string, Golden>> }>("evaluation");
const folder = await mkdtemp(join(tmpdir(), "blip-evaluate-"));
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await removeCases();
});

/** Tolerance for float32 sums in a different order. */
const tolerance = 2e-5;

interface Run {
  readonly report: EvaluationReport;
  /** Rows of the log of all kinds, in the order of their numbers. */
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly examples: readonly Readonly<Record<string, unknown>>[];
}

async function runOf(one: EvaluationCase): Promise<Run> {
  const { data, rows: examples } = await readCase(one);
  const report = join(folder, `${one.name.replace(/\W+/g, "-")}.json`);
  const found = await evaluate(one.task, data, { ...one.options, model: modelOf(one), report });
  const lines = (await readFile(report.replace(/json$/, "rows.jsonl"), "utf8")).trim().split("\n").slice(1);
  const rows = lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  rows.sort((a, b) => Number(a.n) - Number(b.n));
  expect(JSON.parse(await readFile(report, "utf8"))).toEqual(found);
  return { report: found, rows, examples: examples as Run["examples"] };
}

const group = (results: Results, name: string) => results[name] as Results;

/** R@1, 5, 10 and their means under LAVIS's names. */
function lavisNames({ imageToText, textToImage, rMean }: Results): Record<string, number> {
  const [texts, images] = [imageToText as Results, textToImage as Results];
  const of = (side: string, { r1, r5, r10, rMean: mean }: Results) => ({
    ...{ [`${side}_r1`]: r1, [`${side}_r5`]: r5, [`${side}_r10`]: r10, [`${side}_r_mean`]: mean },
  });
  return { ...of("txt", texts), ...of("img", images), r_mean: rMean } as Record<string, number>;
}

function expectRecalls(found: Results, expected: Readonly<Record<string, number>> | undefined) {
  const names = lavisNames(found);
  for (const [name, value] of Object.entries(expected ?? {})) expect(names[name], name).toBeCloseTo(value, 9);
}

const floats = (packed: unknown) => {
  const { buffer, byteOffset, byteLength } = Uint8Array.from(Buffer.from(packed as string, "base64"));
  return new Float32Array(buffer, byteOffset, byteLength / 4);
};
const indices = (packed: unknown) =>
  new Uint32Array(Uint8Array.from(Buffer.from(packed as string, "base64")).buffer);

function expectNear(found: ArrayLike<number>, expected: ArrayLike<number>) {
  expect(found.length).toBe(expected.length);
  for (let index = 0; index < expected.length; index++)
    expect(Math.abs((found[index] ?? NaN) - (expected[index] ?? NaN))).toBeLessThan(tolerance);
}

/** The names of the cases with golden numbers. */
export const goldenNames = Object.keys(golden);

/** Tests each case against its golden numbers. */
export function describeCases(cases: readonly EvaluationCase[]): void {
  describe("retrieval gives LAVIS's cosines, scores and recalls", () => {
    test.each(cases.filter(({ task }) => task === "retrieval"))("$name", async (one) => {
      const { report, rows } = await runOf(one);
      const { cosines = [], scores, cosine, reranked } = golden[one.name] ?? {};
      const vectors = (kind: string) =>
        rows.filter((row) => row.kind === kind).map((row) => floats(row.features));
      const texts = vectors("text");
      const found = vectors("image").map((image) =>
        texts.map((text) => text.reduce((sum, x, k) => sum + x * (image[k] ?? NaN), 0)),
      );
      expectNear(found.flat(), cosines.flat());
      for (const row of rows.filter(({ kind }) => kind === "pairs")) {
        const looked = indices(row.texts);
        const image = Number(row.n);
        for (const [place, score] of floats(row.scores).entries()) {
          const text = looked[place] ?? NaN;
          // The score of the direction that requested the pair; the other direction has -100.
          const wanted = Math.max(
            scores?.imageToText[image]?.[text] ?? NaN,
            scores?.textToImage[text]?.[image] ?? NaN,
          );
          expect(Math.abs(score - wanted)).toBeLessThan(tolerance);
        }
      }
      expect(report.results).toMatchObject({ images: cosines.length, texts: cosines[0]?.length });
      expectRecalls(group(report.results, "cosine"), cosine);
      expectRecalls(group(group(report.results, "reranked"), "k2"), reranked);
    });
  });

  describe("captions are LAVIS's", () => {
    test.each(cases.filter(({ task }) => task === "caption" || task === "nocaps"))("$name", async (one) => {
      const { report, rows, examples } = await runOf(one);
      const { captions = [] } = golden[one.name] ?? {};
      expect(rows.map(({ caption }) => caption)).toEqual(captions);
      const references = examples.map((row) => row.captions as readonly string[]);
      if (references.some(({ length }) => length === 0)) expect(report.results).not.toHaveProperty("ciderD");
      else {
        const { bleu4, rougeL, ciderD } = captionMetrics(captions, references);
        expect(report.results).toMatchObject({ images: captions.length, bleu4, rougeL, ciderD });
      }
      if (one.task !== "nocaps") return;
      const submission = await readFile(report.files[1] ?? "", "utf8");
      expect(JSON.parse(submission)).toEqual(
        captions.map((caption, index) => ({ image_id: examples[index]?.submissionId, caption })),
      );
    });
  });

  describe("answers are LAVIS's", () => {
    test.each(cases.filter(({ task }) => task === "vqa"))("$name", async (one) => {
      const { report, rows } = await runOf(one);
      const { answers, accuracy, byAnswerType } = golden[one.name] ?? {};
      expect(rows.map(({ answer }) => answer)).toEqual(answers);
      // The reference rounds to two decimals.
      if (accuracy === undefined) expect(report.results).not.toHaveProperty("accuracy");
      else expect(report.results.accuracy as number).toBeCloseTo(accuracy, 2);
      for (const [type, value] of Object.entries(byAnswerType ?? {}))
        expect(group(report.results, "byAnswerType")[type] as number).toBeCloseTo(value, 2);
    });
  });

  describe("judgements are LAVIS's", () => {
    test.each(cases.filter(({ task }) => task === "nlvr"))("$name", async (one) => {
      const { report, rows, examples } = await runOf(one);
      const { probability = [] } = golden[one.name] ?? {};
      expectNear(
        rows.map((row) => row.probability as number),
        probability,
      );
      const right = probability.filter((p, index) => p > 0.5 === examples[index]?.label).length;
      expect(report.results).toMatchObject({ statements: 2, accuracy: right / 2, consistency: right / 2 });
    });
  });

  describe("matches are LAVIS's", () => {
    test.each(cases.filter(({ task }) => task === "match"))("$name", async (one) => {
      const { report, rows, examples } = await runOf(one);
      const { rows: expected = [] } = golden[one.name] ?? {};
      expectNear(
        rows.flatMap((row) => (row.probability as Matrix).flat()),
        expected.flatMap(({ probability }) => probability.flat()),
      );
      expectNear(
        rows.flatMap((row) => (row.cosine as Matrix).flat()),
        expected.flatMap(({ cosine }) => cosine.flat()),
      );
      const labels = examples.flatMap(({ matches }) => (matches as boolean[][]).flat());
      const right = expected.flatMap(({ probability }) => probability.flat().map((p) => p >= 0.5));
      const accuracy = labels.filter((label, index) => label === right[index]).length / labels.length;
      expect(group(report.results, "itm").accuracy).toBeCloseTo(accuracy, 12);
      const rankedRight = examples.flatMap(({ matches }, row) =>
        (matches as boolean[][]).map((own, image) => {
          const scores = expected[row]?.probability[image] ?? [];
          const best = Math.max(...scores.filter((_, text) => own[text] === false));
          return (scores[own.indexOf(true)] ?? NaN) > best;
        }),
      );
      expect(group(report.results, "itm").rankedRight).toBeCloseTo(
        rankedRight.filter(Boolean).length / rankedRight.length,
        12,
      );
    });
  });
}
