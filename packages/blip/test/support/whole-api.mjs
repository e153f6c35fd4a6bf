// Run by Node, Bun and Deno: calls every verb in every weight type, and with "whole" also the package's other functions
// and classes, on tiny models. Prints the results as JSON.
// node whole-api.mjs DOOR ASKED [whole], where DOOR is the built package's folder and ASKED a JSON file of the test.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";

const [door = "", asked = "", part] = process.argv.slice(2);
const entry = (name) => import(pathToFileURL(join(door, name)).href);
const blip = await entry("node.js");
const { models, images, text, folder } = JSON.parse(await readFile(asked, "utf8"));
const [first, second] = images;

/** Rows without values that depend on the runtime: errors become their codes, typed arrays become lists. */
const plain = (value) =>
  JSON.parse(
    JSON.stringify(value, (_key, inner) => {
      if (inner instanceof Error) return inner.code ?? inner.message;
      return ArrayBuffer.isView(inner) ? Array.from(inner) : inner;
    }),
  );

async function all(rows) {
  const list = [];
  for await (const row of rows) list.push(row);
  return list;
}

/** One call per verb. */
const verbs = {
  match: (options) => blip.match([first], [text], { model: models.match, ...options }),
  retrieve: (options) => blip.retrieve(images, [text], { model: models.match, ...options }),
  embed: (options) => blip.embed([first], [text], { model: models.match, ...options }),
  caption: (options) => blip.caption([first], { model: models.caption, ...options }),
  ask: (options) => blip.ask([first], ["is there a dog?"], { model: models.vqa, ...options }),
  compare: (options) => blip.compare([first, second], [text], { model: models.nlvr, ...options }),
};

/** The other functions and classes, one entry each. */
const others = {
  Blip: async () => {
    const one = await blip.Blip.fromPretrained(models.match);
    const image = await one.image(first);
    const rows = await all(one.match([image], [text]));
    await image.close();
    await one.close();
    return [one.tasks, rows.map(({ probability }) => probability)];
  },
  Batched: async () => {
    const captioner = await blip.Captioner.fromPretrained(models.caption);
    const batched = new blip.Batched({ captioner });
    const rows = await Promise.all(images.map((image) => batched.caption(image)));
    await batched.close();
    await captioner.close();
    return rows.map(([row]) => row.caption);
  },
  BlipModel: async () => {
    const [processor, model] = await Promise.all([
      blip.BlipProcessor.fromPretrained(models.match),
      blip.BlipModel.fromPretrained(models.match),
    ]);
    const { pixelValues } = await processor(first, text);
    const { states } = await model.getImageFeatures(pixelValues);
    await model.close();
    return states.data.slice(0, 100);
  },
  inspect: () => blip.inspect(models.match),
  printTask: async () => (await blip.printTask(models.match, "match")).length,
  convert: async () => {
    await blip.convert(models.nlvr, join(folder, "converted"));
    return (await readdir(join(folder, "converted"))).sort();
  },
  quantize: async () => {
    await blip.quantize(models.match, join(folder, "int8"), { dtype: "int8" });
    return blip.match([first], [text], { model: join(folder, "int8") });
  },
  exportOnnx: async () => {
    await blip.exportOnnx(models.caption, join(folder, "onnx"), { task: "caption" });
    return (await readdir(join(folder, "onnx"))).sort();
  },
  int8Products: async () => typeof (await blip.int8Products()),
  "a bad image": async () => blip.match([join(folder, "none.png")], [text], { model: models.match }),
  "an aborted load": async () =>
    blip.Matcher.fromPretrained(models.match, { signal: AbortSignal.abort(new Error("enough")) }).then(
      () => "loaded",
      (error) => error.message,
    ),
  metrics: async () => (await entry("metrics.js")).captionMetrics(["a dog"], [["a dog"]]),
};

const answers = {};
for (const dtype of ["fp32", "fp16", "int8"])
  for (const [verb, call] of Object.entries(verbs))
    answers[`${verb} ${dtype}`] = plain(await call({ dtype, onWarning: () => undefined }));
if (part === "whole") for (const [name, call] of Object.entries(others)) answers[name] = plain(await call());
console.log(JSON.stringify(answers));
