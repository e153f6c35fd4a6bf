// Tables in Markdown, padded as Prettier pads them.
import { must } from "@blip-ts/base";

export type Cells = readonly string[];

export function markdown(head: Cells, body: readonly Cells[]): string {
  const widths = head.map((_, column) =>
    Math.max(3, ...[head, ...body].map((cells) => must(cells, column).length)),
  );
  const line = (cells: Cells) =>
    `| ${cells.map((cell, column) => cell.padEnd(must(widths, column))).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line)].join("\n");
}
