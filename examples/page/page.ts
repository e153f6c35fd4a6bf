// A page that matches and captions: what the model that is loaded can do decides what the page offers.
import { Blip, type BlipImage, configure, type DownloadProgress, type Warning } from "blip-ts";

// `npm run page` puts everything beside this script: the page works from any static server, without a network.
configure({ runtime: "./engine/", models: "./models/" });

function element<E extends HTMLElement>(id: string, kind: new () => E): E {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${id}`);
  return found;
}

const preview = element("preview", HTMLImageElement);
const texts = element("texts", HTMLTextAreaElement);
const rows = element("rows", HTMLOListElement);
const said = element("said", HTMLParagraphElement);
const captionNote = element("caption-note", HTMLParagraphElement);
const status = element("status", HTMLParagraphElement);
const warnings = element("warnings", HTMLUListElement);
const progress = element("progress", HTMLProgressElement);
const drop = element("drop", HTMLLabelElement);
const buttonOf = (form: HTMLFormElement) => {
  const button = form.querySelector("button");
  if (!button) throw new Error("a form has no button");
  return button;
};
const matchForm = element("match", HTMLFormElement);
const captionForm = element("caption", HTMLFormElement);
const loadForm = element("load", HTMLFormElement);

/** The model that is loaded. */
let blip: Blip | undefined;
/** The image that is shown, as the model holds it: both forms ask about the same states. */
let held: Promise<BlipImage> | undefined;
let chosen: string | File = "scenes/01.png";

function say(text: string, wrong = false): void {
  status.textContent = text;
  status.classList.toggle("wrong", wrong);
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

function onProgress({ loaded, total }: DownloadProgress): void {
  progress.hidden = loaded >= total;
  progress.max = total;
  progress.value = loaded;
  if (loaded < total) say(`Fetching ${megabytes(loaded)} of ${megabytes(total)} ...`);
}

/** What a model warns of is said once: it stays until another one is loaded. */
function onWarning({ code, message }: Warning): void {
  const item = document.createElement("li");
  item.dataset.code = code;
  item.textContent = message;
  warnings.append(item);
}

/** What was said of another picture, or by another model, does not stay. */
function clearResults(): void {
  held?.then((image) => image.close()).catch(() => undefined);
  held = undefined;
  rows.replaceChildren();
  said.textContent = "";
}

/** The image that is shown: encoded when it is first asked about, once. */
function shown(): Promise<BlipImage> {
  if (!blip) throw new Error("no model is loaded");
  const image = (held ??= blip.image(chosen));
  image.catch(() => {
    if (held === image) held = undefined;
  });
  return image;
}

const can = (task: "match" | "caption") => blip?.tasks.includes(task) === true;

function showImage(next: string | File): void {
  if (preview.src.startsWith("blob:")) URL.revokeObjectURL(preview.src);
  chosen = next;
  preview.src = typeof next === "string" ? next : URL.createObjectURL(next);
  clearResults();
  for (const button of document.querySelectorAll(".scenes button"))
    button.setAttribute("aria-pressed", String(button.getAttribute("data-scene") === next));
}

async function load(name: string): Promise<void> {
  say("Loading the model ...");
  clearResults();
  warnings.replaceChildren();
  buttonOf(matchForm).disabled = true;
  buttonOf(captionForm).disabled = true;
  await blip?.close();
  blip = undefined;
  blip = await Blip.fromPretrained(name, { onProgress, onWarning });
  buttonOf(matchForm).disabled = !can("match");
  buttonOf(captionForm).disabled = !can("caption");
  captionNote.textContent = can("caption")
    ? ""
    : `${name} has no language head, so that it cannot caption. Load a model that can below: picture-book, or, ` +
      "for photographs, Salesforce/blip-image-captioning-base (990 MB from the Hub).";
  const threads = crossOriginIsolated ? `${navigator.hardwareConcurrency} threads` : "one thread";
  say(`${name}: does ${blip.tasks.join(", ")}; ${threads}.`);
}

function rowOf(text: string, probability: number, cosine: number): HTMLLIElement {
  const row = document.createElement("li");
  row.style.setProperty("--probability", `${probability * 100}%`);
  const label = document.createElement("span");
  label.textContent = text;
  const value = document.createElement("b");
  value.textContent = `${(probability * 100).toFixed(1)} %`;
  value.title = `cosine ${cosine.toFixed(3)}`;
  row.append(label, value);
  return row;
}

async function match(): Promise<void> {
  const lines = texts.value.split("\n").filter((line) => line.trim() !== "");
  const start = performance.now();
  const scored = await (await shown()).match(lines);
  rows.replaceChildren(...scored.map((row) => rowOf(row.text, row.probability, row.cosine)));
  say(`Matched in ${((performance.now() - start) / 1000).toFixed(2)} s.`);
}

async function caption(): Promise<void> {
  const start = performance.now();
  const [row] = await (await shown()).caption();
  said.textContent = row?.caption ?? "";
  say(`Captioned in ${((performance.now() - start) / 1000).toFixed(2)} s.`);
}

/** Runs a form's work when it is sent; its button waits so long. */
function onSubmit(form: HTMLFormElement, work: () => Promise<void>): void {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = buttonOf(form);
    button.disabled = true;
    work()
      .catch((error: unknown) => say(messageOf(error), true))
      .finally(() => {
        progress.hidden = true;
        button.disabled = (form === matchForm && !can("match")) || (form === captionForm && !can("caption"));
      });
  });
}

onSubmit(matchForm, match);
onSubmit(captionForm, caption);
onSubmit(loadForm, () => load(element("model", HTMLInputElement).value.trim()));

const scenes = element("scenes", HTMLDivElement);
for (let number = 1; number <= 12; number++) {
  const place = `scenes/${String(number).padStart(2, "0")}.png`;
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.scene = place;
  const image = document.createElement("img");
  image.src = place;
  image.alt = `Scene ${number}`;
  button.append(image);
  button.addEventListener("click", () => showImage(place));
  scenes.append(button);
}
element("file", HTMLInputElement).addEventListener("change", ({ target }) => {
  const file = target instanceof HTMLInputElement ? target.files?.[0] : undefined;
  if (file) showImage(file);
});
for (const kind of ["dragenter", "dragover", "dragleave", "drop"])
  drop.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", kind === "dragenter" || kind === "dragover");
  });
drop.addEventListener("drop", ({ dataTransfer }) => {
  const file = dataTransfer?.files[0];
  if (file) showImage(file);
});

showImage(chosen);
load("picture-book").catch((error: unknown) => say(messageOf(error), true));
