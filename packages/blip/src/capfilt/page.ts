// The report page: images with their texts, kept texts next to dropped texts. The page is self-contained, without
// scripts or requests, and escapes all texts.
import type { CapFiltReport, TextReport } from "./report.ts";
import type { Probability } from "./score.ts";

/** A text on the page. */
export interface PageText {
  readonly kind: "web" | "synthetic";
  readonly text: string;
  readonly probability: Probability;
  readonly isKept: boolean;
}

/** An image on the page. */
export interface PageRow {
  /** The image's path, its URL, or its place in the data. */
  readonly name: string;
  /** A JPEG in base64; undefined if no thumbnail could be created. */
  readonly thumbnail: string | undefined;
  readonly texts: readonly PageText[];
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Control characters, bidirectional formatting characters, and lone surrogates. */
const invisible = /[\p{Cc}\p{Cs}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu;

/** The maximum length of a text that is shown in full. */
const longest = 600;

/** Escapes text for an element or a quoted attribute. */
export function escaped(text: string): string {
  const shown = text.length > longest ? `${text.slice(0, longest)} …` : text;
  return shown.replace(invisible, " ").replace(/[&<>"']/g, (char) => entities[char] ?? "");
}

const style = `
:root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; }
body { max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; } td, th { padding: .2rem .8rem .2rem 0; text-align: left; font-weight: normal; }
section { display: grid; grid-template-columns: 10.5rem 1fr 1fr; gap: 1rem; padding: .8rem 0; border-top: 1px solid #8886; }
img, .none { width: 10rem; height: auto; border-radius: .3rem; } .none { background: #8883; height: 6rem; }
p { margin: .15rem 0; overflow-wrap: anywhere; } h1 { font-size: 1.4rem; } h2 { font-size: 1rem; margin: 0; }
small { opacity: .75; } s { opacity: .8; } .bars { display: flex; align-items: end; gap: 1px; height: 3rem; }
.bars i { display: block; width: .5rem; background: #47a; } .bars i.out { background: #b64; }
`;

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

function bars({ histogram }: TextReport, threshold: number): string {
  const most = Math.max(1, ...histogram);
  const bar = (count: number, bin: number) => {
    const [from, to] = [bin / histogram.length, (bin + 1) / histogram.length];
    const title = `${from.toFixed(2)} to ${to.toFixed(2)}: ${count}`;
    const out = to <= threshold ? ' class="out"' : "";
    return `<i${out} style="height:${((100 * count) / most).toFixed(1)}%" title="${title}"></i>`;
  };
  return `<div class="bars">${histogram.map(bar).join("")}</div>`;
}

const summary = (name: string, report: TextReport, threshold: number): string =>
  `<tr><th>${name}</th><td>${report.texts}</td><td>${report.keptTexts}</td><td>${report.dropped} (${percent(report.droppedShare)})</td><td>${bars(report, threshold)}</td></tr>\n`;

function textOf({ kind, text, probability, isKept }: PageText): string {
  const own = isKept ? escaped(text) : `<s>${escaped(text)}</s>`;
  const score = probability === null ? "cannot be read" : probability.toFixed(3);
  return `<p>${own} <small>${kind}, ${score}</small></p>`;
}

function rowOf({ name, thumbnail, texts }: PageRow): string {
  const image =
    thumbnail === undefined
      ? `<div class="none" role="img" aria-label="${escaped(name)}"></div>`
      : `<img src="data:image/jpeg;base64,${thumbnail}" alt="${escaped(name)}">`;
  const of = (isKept: boolean) =>
    texts
      .filter((one) => one.isKept === isKept)
      .map(textOf)
      .join("");
  return `<section><div>${image}<p><small>${escaped(name)}</small></p></div><div><h2>kept</h2>${of(true)}</div><div><h2>dropped</h2>${of(false)}</div></section>\n`;
}

type Numbers = Pick<CapFiltReport, "web" | "synthetic" | "threshold" | "data" | "pairs"> &
  Readonly<Record<"captioner" | "filter", { readonly name: string }>>;

/** Streams the page: the head with the report's numbers, a section per image, and the end. */
export async function* pageOf(
  { web, synthetic, threshold, captioner, filter, data, pairs }: Numbers,
  rows: AsyncIterable<PageRow>,
): AsyncGenerator<string> {
  yield `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Kept and dropped texts</title>
<style>${style}</style></head><body>
<h1>Kept and dropped texts</h1>
<p>${data.rows} rows of ${escaped(data.name)}; captioner ${escaped(captioner.name)}, filter ${escaped(filter.name)}; kept at a probability of ${threshold} and above: ${pairs} pairs.</p>
<table><tr><th></th><th>texts</th><th>kept</th><th>dropped</th><th>probability, 0 to 1</th></tr>
${summary("web", web, threshold)}${summary("synthetic", synthetic, threshold)}</table>
`;
  for await (const row of rows) yield rowOf(row);
  yield "</body></html>\n";
}
