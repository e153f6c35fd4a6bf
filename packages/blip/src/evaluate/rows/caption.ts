// Captions: BLEU, ROUGE-L and CIDEr-D against references, and the things that captions name (BLIP train_caption.py and
// eval_nocaps.py, which write the same rows).
import type { CaptionExample } from "@blip-ts/datasets";
import { captionMetrics, longestCaption, namedThings, type Thing, thingMetrics } from "@blip-ts/metrics";
import { BlipError, closedBy } from "@blip-ts/base";
import type { Platform } from "../../platform.ts";
import { Captioner } from "../../verbs/caption.ts";
import { longReference } from "../errors.ts";
import type { EvaluatedImage } from "../host.ts";
import type { Results } from "../report.ts";
import { RowsByImage } from "./by-image.ts";
import type { Evaluated, RowTask } from "./row-task.ts";
import { generationOf, generationOnly } from "./generation.ts";

const captionOf = ({ fields }: Evaluated<"caption">): string => String(fields.caption);

/** The metrics that the report leaves out, with the reason. */
const leftOut =
  "METEOR and SPICE: both need tools in Java that this package does not carry (docs/metrics.md)";

type Scored = Pick<CaptionExample, "captions" | "domain"> & { readonly caption: string };

function scores(rows: readonly Scored[]): Results {
  const { bleu1, bleu2, bleu3, bleu4, rougeL, ciderD } = captionMetrics(
    rows.map(({ caption }) => caption),
    rows.map(({ captions }) => captions),
  );
  return { images: rows.length, bleu1, bleu2, bleu3, bleu4, rougeL, ciderD };
}

/** Compares the things that captions name with the things that any reference names. */
function thingScores(rows: readonly Scored[], things: readonly Thing[]): Results {
  const there = rows.map(({ captions }) => [
    ...new Set(captions.flatMap((reference) => namedThings(reference, things))),
  ]);
  const { precision, recall, f1 } = thingMetrics(
    rows.map(({ caption }) => caption),
    there,
    things,
  );
  return { precision, recall, f1 };
}

/** The metrics per domain. NoCaps has three domains. */
function byDomain(rows: readonly Scored[]): Results {
  const domains = new Map<string, Scored[]>();
  for (const row of rows) {
    if (row.domain === undefined) continue;
    domains.set(row.domain, [...(domains.get(row.domain) ?? []), row]);
  }
  return Object.fromEntries([...domains].map(([domain, own]) => [domain, scores(own)]));
}

/** The error of a row with a reference that the metrics do not read. */
function unscorable({ captions }: CaptionExample): BlipError | undefined {
  const long = captions.find(({ length }) => length > longestCaption);
  return long === undefined ? undefined : longReference(longestCaption, long.length);
}

export const captionTask = (
  platform: Platform<EvaluatedImage>,
  defaults: { readonly repetitionPenalty?: number },
): RowTask<"caption"> => ({
  data: "caption",
  merge: (host) => new RowsByImage(host),
  async load(source, host, options) {
    const settings = {
      ...options,
      repetitionPenalty: options.repetitionPenalty ?? defaults.repetitionPenalty,
    };
    const captioner = await Captioner.load(platform, source, settings);
    const { model } = captioner;
    const { prompt, signal, maxPixels } = options;
    return {
      loaded: model.loaded,
      decides: { ...generationOf(model.generator, model.loaded.tokens.dec, settings), prompt },
      imagesOf: ({ image }) => [image],
      async fieldsOf(examples) {
        const requests = examples
          .filter((example) => !unscorable(example))
          .map(({ image }) => ({ image: host.imageOf(image), prompt }));
        const call = { ...generationOnly(settings), signal, maxPixels };
        const captions = (await captioner.answerEach(requests, call)).values();
        return examples.map((example) => {
          const rows = unscorable(example) ?? captions.next().value;
          if (rows instanceof BlipError) return rows;
          const [best] = rows ?? [];
          if (!best) throw new Error("an image got no caption");
          return { id: example.submissionId, caption: best.caption, logProbability: best.logProbability };
        });
      },
      ...closedBy(() => captioner.close()),
    };
  },
  async results(rows, { things }) {
    const scored: Scored[] = [];
    let all = 0;
    for await (const row of rows) {
      all++;
      const { captions, domain } = row.example;
      if (captions.length > 0)
        scored.push({ captions, caption: captionOf(row), ...(domain === undefined ? {} : { domain }) });
    }
    if (scored.length === 0) return { images: all, withoutReferences: all };
    const domains = byDomain(scored);
    return {
      ...scores(scored),
      withoutReferences: all - scored.length,
      leftOut,
      ...(things ? { things: thingScores(scored, things) } : {}),
      ...(Object.keys(domains).length > 0 ? { domains } : {}),
    };
  },
  submitted: (row) => ({ image_id: row.example.submissionId, caption: captionOf(row) }),
});
