// The curves of a run as a self-contained SVG file: panels stacked vertically, in the system's light or dark theme.
import { must } from "@blip-ts/base";
import { axisOf, type Axis } from "./axis.ts";
import { panelsOf, type Panel, type Point, type Series } from "./series.ts";

/** In pixels: the chart's width, a panel's height, and the margins of its plot. */
const [width, height] = [860, 240];
const margin = { left: 76, right: 24, top: 46, bottom: 34 };
const plot = { width: width - margin.left - margin.right, height: height - margin.top - margin.bottom };

/**
 * The first four are Okabe and Ito's colours, which colour-blind people can distinguish. Series also differ in dashes or
 * marks. Six suffice: the loss, its validation and pre-training's four parts.
 */
const colours = {
  light: ["#0072b2", "#d55e00", "#009e73", "#aa4f88", "#8a6d00", "#6b6b6b"],
  dark: ["#56b4e9", "#f0965c", "#3cc79b", "#dda0c6", "#e6c84f", "#b0b0b0"],
};
const dashes = ["", "6 3", "2 3", "8 3 2 3", "12 4", "1 2"];

const rules = (theme: "light" | "dark", [paper, ink, faint]: readonly [string, string, string]) =>
  [
    `.paper{fill:${paper}}`,
    `text{fill:${ink}}`,
    `.rule{stroke:${faint}}`,
    ...colours[theme].map((colour, index) => `.s${index}{stroke:${colour};fill:${colour}}`),
  ].join("");

const style =
  "<style>" +
  "text{font:12px system-ui,sans-serif}.title{font-size:14px;font-weight:600}.rule{stroke-width:1}" +
  ".line{fill:none;stroke-width:1.5;stroke-linejoin:round}" +
  rules("light", ["#ffffff", "#1f2328", "#d0d7de"]) +
  `@media (prefers-color-scheme:dark){${rules("dark", ["#0d1117", "#e6edf3", "#3d444d"])}}` +
  // The rules of the colours set a fill, so remove it from lines.
  ".line{fill:none}" +
  "</style>";

const escaped = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

const short = (value: number) => String(Math.round(value * 10) / 10);

function text(x: number, y: number, words: string, more = ""): string {
  return `<text x="${short(x)}" y="${short(y)}"${more}>${escaped(words)}</text>`;
}

interface Scale {
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
}

const scaleOf = (x: Axis, y: Axis, top: number): Scale => ({
  x: (value) => margin.left + ((value - x.least) / (x.most - x.least)) * plot.width,
  y: (value) => top + margin.top + plot.height - ((value - y.least) / (y.most - y.least)) * plot.height,
});

function seriesSvg({ points, form }: Series, index: number, scale: Scale): string {
  const colour = `s${index % dashes.length}`;
  const at = ({ x, y }: Point) => `${short(scale.x(x))},${short(scale.y(y))}`;
  const dash = must(dashes, index % dashes.length);
  const dashed = form === "steps" && dash !== "" ? ` stroke-dasharray="${dash}"` : "";
  const line =
    points.length > 1
      ? `<polyline class="${colour} line"${dashed} points="${points.map(at).join(" ")}"/>`
      : "";
  if (form === "steps" && points.length > 1) return line;
  const marks = points.map(
    (point) =>
      `<circle class="${colour}" cx="${short(scale.x(point.x))}" cy="${short(scale.y(point.y))}" r="3"/>`,
  );
  return line + marks.join("");
}

/** The legend, laid out from right to left: the mark and the name of each series. */
function legendSvg(series: readonly Series[], top: number): string {
  if (series.length < 2) return "";
  let x = width - margin.right;
  return [...series.entries()]
    .reverse()
    .map(([index, { name, form }]) => {
      x -= 7 * name.length + 34;
      const [colour, y] = [`s${index % dashes.length}`, top + 18];
      const dash = must(dashes, index % dashes.length);
      const dashed = dash === "" ? "" : ` stroke-dasharray="${dash}"`;
      const mark =
        form === "marks"
          ? `<circle class="${colour}" cx="${x + 9}" cy="${y}" r="3"/>`
          : `<line class="${colour}" stroke-width="1.5"${dashed} x1="${x}" x2="${x + 18}" y1="${y}" y2="${y}"/>`;
      return mark + text(x + 23, y + 4, name);
    })
    .join("");
}

function panelSvg({ title, unit, series }: Panel, x: Axis, top: number): string {
  const y = axisOf(
    series.flatMap(({ points }) => points.map((point) => point.y)),
    4,
  );
  const scale = scaleOf(x, y, top);
  const [left, right, bottom] = [margin.left, width - margin.right, top + margin.top + plot.height];
  const heading = unit === "" ? title : `${title} (${unit})`;
  const last = series.map(({ name, points }) => `${name} ${Number(points.at(-1)?.y.toPrecision(4))}`);
  return [
    `<g role="group" aria-label="${escaped(`${heading}; at the end: ${last.join(", ")}`)}">`,
    text(left, top + 22, heading, ' class="title"'),
    legendSvg(series, top),
    ...y.ticks.flatMap(({ at, label }) => [
      `<line class="rule" x1="${left}" x2="${right}" y1="${short(scale.y(at))}" y2="${short(scale.y(at))}"/>`,
      text(left - 8, scale.y(at) + 4, label, ' text-anchor="end"'),
    ]),
    ...x.ticks.map(({ at, label }) => text(scale.x(at), bottom + 18, label, ' text-anchor="middle"')),
    ...series.map((curve, index) => seriesSvg(curve, index, scale)),
    "</g>",
  ].join("\n");
}

/**
 * The chart of a run's curves.
 * @param metrics the text of metrics.jsonl
 */
export function curvesOf(metrics: string): string {
  const panels = panelsOf(metrics);
  const steps = panels.flatMap(({ series }) => series.flatMap(({ points }) => points.map(({ x }) => x)));
  const x = axisOf([0, ...steps], 8, true);
  const whole = Math.max(1, panels.length) * height + 26;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 ${width} ${whole}" width="${width}" height="${whole}">`,
    "<title>Training curves</title>",
    style,
    '<rect class="paper" width="100%" height="100%"/>',
    ...panels.map((panel, index) => panelSvg(panel, x, index * height)),
    panels.length === 0 ? text(margin.left, 40, "No step has been made yet.") : "",
    text(margin.left + plot.width / 2, whole - 10, "steps", ' text-anchor="middle"'),
    "</svg>\n",
  ].join("\n");
}
