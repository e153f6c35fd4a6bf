// The chart of a run's curves, from rows as a run writes them.
import { describe, expect, test } from "vitest";
import { axisOf } from "./axis.ts";
import { curvesOf } from "./index.ts";
import { panelsOf, thinned } from "./series.ts";

const step = (number: number, loss: number, losses: Readonly<Record<string, number>> = { lm: loss }) =>
  JSON.stringify({ step: number, loss, losses, norm: 2 * loss, lr: 1e-5 * (number + 1) });
const rows = [
  step(0, 4),
  step(1, 3),
  JSON.stringify({
    step: 1,
    ended: 0,
    loss: 3.5,
    validationLoss: 3.8,
    metrics: { ciderD: 0.25, bleu4: 0.1 },
  }),
  step(2, 2),
  JSON.stringify({ step: 2, validated: 3, validationLoss: 3.1, metrics: { ciderD: 0.5, bleu4: null } }),
  // A partial line, left by a process that ended.
  '{"step":3,"lo',
].join("\n");

describe("panels", () => {
  test("have the steps' numbers, and those of validation after the steps that were made then", () => {
    const panels = panelsOf(rows);
    expect(panels.map(({ title, unit }) => [title, unit])).toEqual([
      ["Loss", "nats"],
      ["Learning rate", "per step"],
      ["Norm of the gradients", "before clipping"],
      ["Validation: ciderD", ""],
      ["Validation: bleu4", ""],
    ]);
    const points = (panel: number, series: number) =>
      panels[panel]?.series[series]?.points.map(({ x, y }) => [x, y]);
    expect(points(0, 0)).toEqual([
      [1, 4],
      [2, 3],
      [3, 2],
    ]);
    expect(points(0, 1)).toEqual([
      [2, 3.8],
      [3, 3.1],
    ]);
    expect(points(3, 0)).toEqual([
      [2, 0.25],
      [3, 0.5],
    ]);
    expect(points(4, 0)).toEqual([[2, 0.1]]);
  });

  test("show parts of a loss only if there are several", () => {
    const names = (text: string) => panelsOf(text)[0]?.series.map(({ name }) => name);
    expect(names(step(0, 4))).toEqual(["training"]);
    expect(names(step(0, 4, { itc: 3, itm: 1 }))).toEqual(["training", "itc", "itm"]);
  });

  test("leave out what is no number: a run without validation, NaN as JSON has it", () => {
    const text = [step(0, 4), '{"step":0,"ended":0,"loss":4,"validationLoss":null,"metrics":null}'].join(
      "\n",
    );
    expect(panelsOf(text)).toHaveLength(3);
    expect(panelsOf('{"step":0,"loss":null,"lr":null}')).toEqual([]);
  });

  test("of many steps are means of neighbours, none left out", () => {
    const many = Array.from({ length: 1000 }, (_, index) => ({ x: index, y: index % 2 }));
    const few = thinned(many);
    expect(few).toHaveLength(400);
    expect(few[0]).toEqual({ x: 0.5, y: 0.5 });
    expect(few.at(-1)).toEqual({ x: 998, y: 2 / 3 });
    expect(thinned(many.slice(0, 400))).toEqual(many.slice(0, 400));
  });
});

test.each<[number[], number, string[]]>([
  [[0, 20], 8, ["0", "5", "10", "15", "20"]],
  [[0.11, 0.34], 4, ["0.1", "0.2", "0.3", "0.4"]],
  [[0, 1e-5], 4, ["0", "5e-6", "1e-5"]],
  [[0, 250_000], 3, ["0", "100,000", "200,000", "300,000"]],
  [[3, 3], 4, ["2.6", "2.8", "3.0", "3.2", "3.4"]],
  [[-1, 1], 4, ["-1.0", "-0.5", "0", "0.5", "1.0"]],
])("an axis over %j has round numbers", (values, count, labels) => {
  expect(axisOf(values, count).ticks.map(({ label }) => label)).toEqual(labels);
});

describe("the picture", () => {
  const svg = curvesOf(rows);

  test("is one well-formed element: every tag is closed", () => {
    const open: string[] = [];
    for (const [, close, name = "", self] of svg.matchAll(/<(\/?)(\w+)[^>]*?(\/?)>/g)) {
      if (self === "/") continue;
      if (close === "/") expect(open.pop()).toBe(name);
      else open.push(name);
    }
    expect(open).toEqual([]);
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    expect(svg).not.toContain("NaN");
    expect(svg).not.toContain("undefined");
  });

  test("names axes and series, and is readable in the dark", () => {
    for (const words of [
      "Loss (nats)",
      "Learning rate (per step)",
      "Validation: ciderD",
      ">steps<",
      ">validation<",
    ])
      expect(svg).toContain(words);
    expect(svg).toContain("at the end: training 2, validation 3.1");
    expect(svg).toContain("@media (prefers-color-scheme:dark)");
    expect(svg.match(/<polyline/g)).toHaveLength(5);
  });

  test("puts the highest loss above the lowest, within its panel", () => {
    const points = /class="s0 line" points="([^"]*)"/
      .exec(svg)?.[1]
      ?.split(" ")
      .map((one) => one.split(",").map(Number));
    const [first, , last] = points ?? [];
    // 4 nats are the maximum, at the top; 2 are the minimum, at the end.
    expect(first?.[1]).toBe(46);
    expect(last).toEqual([836, 206]);
  });

  test("tells the loss, its validation and pre-training's four parts apart by colour and dashes", () => {
    const losses = { ITC: 4, ITM: 1, LM: 3, "patch-names": 2 };
    const validated = { step: 1, ended: 0, loss: 9, validationLoss: 8, metrics: {} };
    const whole = curvesOf([step(0, 10, losses), step(1, 9, losses), JSON.stringify(validated)].join("\n"));
    const panel = whole.slice(0, whole.indexOf("Learning rate"));
    const marks = [
      ...panel.matchAll(/<(?:line|circle) class="(s\d)"[^>]*?(?:dasharray="([^"]*)")?[^>]*\/>/g),
    ];
    const inLegend = panel.match(/<(?:line|circle) class="s\d"[^>]*\/><text/g) ?? [];
    expect(inLegend).toHaveLength(6);
    expect(new Set(marks.map(([, colour]) => colour)).size).toBe(6);
    expect(new Set(whole.match(/\.s\d\{stroke:#[0-9a-f]{6}/g)).size).toBe(12);
  });

  test("escapes names, and of no rows says so", () => {
    expect(curvesOf(step(0, 1, { "<a>": 1, b: 2 }))).toContain("&lt;a&gt;");
    expect(curvesOf("")).toContain("No step has been made yet.");
  });
});
