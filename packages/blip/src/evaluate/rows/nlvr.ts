// NLVR2: accuracy and consistency on statements about two images (BLIP train_nlvr.py, models/blip_nlvr.py).
import { BlipError, closedBy, must } from "@blip-ts/base";
import { nlvrMetrics, type NlvrExample as Judged } from "@blip-ts/metrics";
import type { Platform } from "../../platform.ts";
import { Comparer } from "../../verbs/compare.ts";
import type { EvaluatedImage } from "../host.ts";
import type { RowTask } from "./row-task.ts";

export const nlvrTask = (platform: Platform<EvaluatedImage>): RowTask<"nlvr"> => ({
  data: "nlvr",
  async load(source, host, options) {
    const comparer = await Comparer.load(platform, source, options);
    const { signal, maxPixels } = options;
    return {
      loaded: comparer.model.loaded,
      decides: {},
      imagesOf: ({ images }) => images,
      async fieldsOf(examples) {
        const requests = examples.map(({ images: [left, right], sentence }) => ({
          images: [host.imageOf(left), host.imageOf(right)] as const,
          statement: sentence,
        }));
        const judgments = await comparer.answerEach(requests, { signal, maxPixels });
        return judgments.map((judged, index) => {
          if (judged instanceof BlipError) return judged;
          const { label, probability } = must(judged, 0);
          return { id: must(examples, index).identifier, label, probability };
        });
      },
      ...closedBy(() => comparer.close()),
    };
  },
  async results(rows) {
    const judged: Judged[] = [];
    let all = 0;
    for await (const { example, fields } of rows) {
      all++;
      const { label, sentence, identifier } = example;
      if (label === undefined) continue;
      const known = identifierOf(identifier);
      judged.push({
        prediction: fields.label === true,
        label,
        sentence,
        ...(known === undefined ? {} : { identifier: known }),
      });
    }
    const rest = { statements: all, withoutLabel: all - judged.length };
    if (judged.length === 0) return rest;
    const { accuracy, consistency, sentences } = nlvrMetrics(judged);
    return { ...rest, accuracy, consistency, sentences };
  },
});

/** Returns an identifier of NLVR2's form, "dev-850-0-0". Other forms do not show which rows share a sentence. */
const identifierOf = (identifier: string): string | undefined =>
  /^[a-z]+\d*-\d+-\d+-\d+$/.test(identifier) ? identifier : undefined;
