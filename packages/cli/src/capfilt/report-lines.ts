// Formats a run's result as text: a table of both kinds of texts, their probabilities as bars, and the number of rows
// that were left out.
import { must } from "@blip-ts/base";
import type { CapFiltReport, TextReport } from "blip-ts/train";
import { tableLines } from "../table.ts";

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

const blocks = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/** Draws counts as a line of bars. The highest count gets a full bar, and a count above 0 is never blank. */
export function bars(counts: readonly number[]): string {
  const most = Math.max(1, ...counts);
  return counts
    .map((count) => must(blocks, count === 0 ? 0 : Math.max(1, Math.round((count / most) * 8))))
    .join("");
}

const rowOf = (name: string, { texts, keptTexts, dropped, droppedShare, meanProbability }: TextReport) => [
  name,
  String(texts),
  String(keptTexts),
  String(dropped),
  percent(droppedShare),
  meanProbability === null ? "" : meanProbability.toFixed(4),
];

export function* reportLines(report: CapFiltReport): Generator<string> {
  const { data, captioner, filter, web, synthetic, images, pairs, failed, threshold } = report;
  const once = report.sharedImageEncoder ? "; one image encoder serves both" : "";
  yield `${data.name}: ${data.rows} rows, captioned by ${captioner.name} (${captioner.sha256.slice(0, 12)}), filtered by ${filter.name} (${filter.sha256.slice(0, 12)})${once}`;
  yield* tableLines(
    ["texts", "all", "kept", "dropped", "share dropped", "mean probability"],
    [rowOf("web", web), rowOf("synthetic", synthetic)],
    5,
  );
  yield `probability 0 to 1, kept from ${threshold}:`;
  yield `  web       |${bars(web.histogram)}|`;
  yield `  synthetic |${bars(synthetic.histogram)}|`;
  yield `images: ${images.read} read; kept texts of both kinds ${images.both}, web alone ${images.webOnly}, synthetic alone ${images.syntheticOnly}, none ${images.none}`;
  const speed =
    report.imagesPerSecond === null ? "" : `, ${report.imagesPerSecond.toPrecision(3)} images per second`;
  yield `${pairs} pairs kept (${report.format}), ${failed.count} rows left out${speed}`;
}
