// Draws the documents' diagrams: docs/model.svg, the parts of BLIP and the data flow between them, and docs/rooms.svg,
// the rooms of this repository (scripts/layers.mjs). They are light or dark, like the reader's system.
//
//   npm run diagrams
import { writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { rooms } from "./layers.mjs";

const style = `<style>
  text { font: 13px system-ui, sans-serif; fill: #24292f; text-anchor: middle; }
  .small { font-size: 11px; fill: #57606a; } .left { text-anchor: start; } .strong { font-weight: 600; }
  .box { fill: #f6f8fa; stroke: #8c959f; } .image { fill: #ddf4ff; stroke: #54aeff; } .text { fill: #fff8c5; stroke: #d4a72c; }
  .cross { fill: #ffebe9; stroke: #ff8182; } .line { stroke: #57606a; fill: none; } .tip { fill: #57606a; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .small { fill: #9198a1; } .box { fill: #161b22; stroke: #6e7681; }
    .image { fill: #0c2d6b; stroke: #388bfd; } .text { fill: #3b2300; stroke: #bb8009; } .cross { fill: #490202; stroke: #f85149; }
    .line { stroke: #9198a1; } .tip { fill: #9198a1; }
  }
</style>`;

const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

const picture = (width: number, height: number, title: string, parts: readonly string[]): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>${escaped(title)}</title>
${style}
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path class="tip" d="M0 0 8 4 0 8z"/></marker></defs>
${parts.join("\n")}
</svg>
`;

const words = (x: number, y: number, text: string, kind = "") =>
  `<text x="${x}" y="${y}"${kind === "" ? "" : ` class="${kind}"`}>${escaped(text)}</text>`;

const arrow = (...points: readonly (readonly [x: number, y: number])[]) =>
  `<polyline class="line" marker-end="url(#tip)" points="${points.map((point) => point.join(",")).join(" ")}"/>`;

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly kind: string;
  readonly lines: readonly string[];
}

const box = ({ x, y, width, height, kind, lines }: Box): string => {
  const top = y + height / 2 - (lines.length - 1) * 8 + 4;
  return [
    `<rect class="${kind}" x="${x}" y="${y}" width="${width}" height="${height}" rx="5"/>`,
    ...lines.map((line, index) => words(x + width / 2, top + 16 * index, line)),
  ].join("\n");
};

/** A task's column in the diagram, from bottom to top. */
interface Column {
  readonly verb: string;
  readonly input: string;
  readonly attention: string;
  /** The lines of the cross-attention box; undefined if the task has no cross-attention. */
  readonly cross: readonly string[] | undefined;
  readonly head: string;
  readonly output: string;
}

const columns: readonly Column[] = [
  {
    ...{ verb: "retrieve, embed", input: "text", attention: "self-attention" },
    ...{ cross: undefined, head: "projection", output: "cosine (ITC)" },
  },
  {
    ...{ verb: "match", input: "text", attention: "self-attention" },
    ...{ cross: ["cross-attention"], head: "ITM head", output: "fits or not" },
  },
  {
    ...{ verb: "caption", input: "tokens so far", attention: "causal self-attention" },
    ...{ cross: ["cross-attention"], head: "LM head", output: "next token" },
  },
  {
    ...{ verb: "ask", input: "question", attention: "self-attention" },
    ...{ cross: ["cross-attention"], head: "answer decoder", output: "answer" },
  },
  {
    ...{ verb: "compare", input: "statement", attention: "self-attention" },
    ...{ cross: ["cross-attention", "to two images"], head: "classifier", output: "true or false" },
  },
];

function column({ verb, input, attention, cross, head, output }: Column, index: number): string {
  const [x, width] = [210 + index * 158, 146];
  const middle = x + width / 2;
  const crossBox: Box = { x, y: 172, width, height: 44, kind: "cross", lines: cross ?? [] };
  return [
    words(middle, 24, verb, "strong"),
    words(middle, 56, output),
    arrow([middle, 78], [middle, 62]),
    box({ x, y: 78, width, height: 30, kind: "box", lines: [head] }),
    arrow([middle, 124], [middle, 110]),
    box({ x, y: 124, width, height: 32, kind: "text", lines: ["feed-forward"] }),
    ...(cross ? [arrow([middle, 172], [middle, 158]), box(crossBox)] : []),
    arrow([middle, 232], [middle, cross ? 218 : 158]),
    box({ x, y: 232, width, height: 32, kind: "text", lines: [attention] }),
    arrow([middle, 288], [middle, 266]),
    words(middle, 304, input),
    ...(cross ? [arrow([x - 6, 340], [x - 6, 194], [x - 1, 194])] : []),
  ].join("\n");
}

/** Draws the parts of BLIP. */
const modelDiagram = (): string =>
  picture(1010, 372, "BLIP: one image encoder, text stacks that attend to it, one head per task", [
    box({
      x: 14,
      y: 124,
      width: 150,
      height: 140,
      kind: "image",
      lines: ["image encoder", "(ViT)", "12 or 24 layers"],
    }),
    arrow([89, 288], [89, 266]),
    words(89, 304, "image"),
    arrow([89, 124], [89, 50], [196, 50], [214, 50]),
    words(130, 42, "projection", "small"),
    `<polyline class="line" points="164,230 184,230 184,340 836,340"/>`,
    words(500, 358, "image states: encoded once, used by every text", "small"),
    ...columns.map(column),
  ]);

/** Draws the rooms by level, with the lowest level at the bottom. */
function roomsDiagram(): string {
  const levels = Math.max(...rooms.map(({ level }) => level)) + 1;
  const [row, gap, width] = [34, 8, 900];
  const parts = Array.from({ length: levels }, (_, level) => {
    const own = rooms.filter((room) => room.level === level);
    const y = (levels - 1 - level) * (row + gap) + 30;
    const each = (width - 20 - gap * (own.length - 1)) / own.length;
    return own
      .map(({ name, path }, index) => {
        const kind =
          path.includes("/train/") || path.startsWith("train/")
            ? "text"
            : path.startsWith("packages/blip/")
              ? "image"
              : "box";
        return box({ x: 10 + index * (each + gap), y, width: each, height: row, kind, lines: [name] });
      })
      .join("\n");
  });
  return picture(width, levels * (row + gap) + 34, "The rooms: each may import only rooms below it", [
    words(
      10,
      18,
      "A room may import rooms below it. Blue: packages/blip. Yellow: training. Grey: other packages.",
      "small left",
    ),
    ...parts,
  ]);
}

/** The diagrams: file path to SVG text. */
export const diagrams = (): Readonly<Record<string, string>> => ({
  "docs/model.svg": modelDiagram(),
  "docs/rooms.svg": roomsDiagram(),
});

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href)
  for (const [path, text] of Object.entries(diagrams()))
    writeFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), text);
