// Formats a report as text: a table of numbers, next to the published numbers.
import type { EvaluationReport, Results } from "blip-ts";
import { tableLines } from "../table.ts";

type Value = Results[string];

const isGroup = (value: Value): value is Results =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Names and values; names of nested groups are joined with dots. */
function* leaves(results: Results, before = ""): Generator<readonly [string, Exclude<Value, Results>]> {
  for (const [name, value] of Object.entries(results))
    if (isGroup(value)) yield* leaves(value, `${before}${name}.`);
    else yield [`${before}${name}`, value];
}

const shown = (value: Exclude<Value, Results>): string => {
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : value.toFixed(4);
  return Array.isArray(value) ? value.join(", ") : String(value);
};

/** Published numbers by metric, each with its source. */
function publishedOf({ published }: EvaluationReport): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { metric, published: number, ours, source } of published)
    found.set(metric, [...(found.get(metric) ?? []), `${number} (${source}; ours ${ours.toFixed(2)})`]);
  return found;
}

export function* reportLines(report: EvaluationReport): Generator<string> {
  const { task, model, data, rows, failed, version, options } = report;
  yield `${task} of ${model.name} (${model.sha256.slice(0, 12)}) on ${data.name}: ${data.rows} of ${rows} rows, ${failed.count} failed; blip-ts ${version}, ${String(options.dtype)}, ${String(options.compat)}`;
  const beside = publishedOf(report);
  const numbers: (readonly [metric: string, published: string, value: string])[] = [];
  const notes: string[] = [];
  for (const [name, value] of leaves(report.results)) {
    if (typeof value === "string") notes.push(`${name}: ${value}`);
    else numbers.push([name, (beside.get(name) ?? []).join(", "), shown(value)]);
  }
  const head = beside.size > 0 ? ["metric", "published", "value"] : ["metric", "value"];
  const cells = numbers.map(([metric, published, value]) =>
    beside.size > 0 ? [metric, published, value] : [metric, value],
  );
  yield* tableLines(head, cells, 1);
  yield* notes;
}
