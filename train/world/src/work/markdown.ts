// Tables in Markdown, padded as Prettier pads them, and their places in a page.
import { must } from "@blip-ts/base";
import { noTables } from "../errors.ts";

export type Cells = readonly string[];

export function markdown(head: Cells, body: readonly Cells[]): string {
  const widths = head.map((_, column) =>
    Math.max(3, ...[head, ...body].map((cells) => must(cells, column).length)),
  );
  const line = (cells: Cells) =>
    `| ${cells.map((cell, column) => cell.padEnd(must(widths, column))).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line)].join("\n");
}

/**
 * Inserts the tables between `<!-- NAME -->` and `<!-- /NAME -->`.
 * @throws {WorldError} `world/no-tables` if the page lacks such a place
 */
export function withTables(page: string, written: Readonly<Record<string, string>>): string {
  let text = page;
  for (const [name, table] of Object.entries(written)) {
    const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from < 0 || to < from) throw noTables(begin);
    text = `${text.slice(0, from + begin.length)}\n\n${table}\n\n${text.slice(to)}`;
  }
  return text;
}
