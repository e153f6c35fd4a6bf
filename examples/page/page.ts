// A page that matches and captions: what the model that is loaded can do decides what the page offers. An answer is shown
// only for the image and the model that it was asked of; what goes wrong is said beside what caused it.
import { Blip, type BlipImage, configure, type DownloadProgress, type Warning } from "blip-ts";
import { buttonOf, element, listenForFiles, Note, rowOf, showScenes } from "./elements.ts";

// `npm run page` puts everything beside this script: the page works from any static server, without a network.
configure({ runtime: "./engine/", models: "./models/" });

const preview = element("preview", HTMLImageElement);
const texts = element("texts", HTMLTextAreaElement);
const rows = element("rows", HTMLOListElement);
const said = element("said", HTMLParagraphElement);
const warnings = element("warnings", HTMLUListElement);
const progress = element("progress", HTMLProgressElement);
const notes = {
  image: new Note("image-note"),
  knows: new Note("knows"),
  match: new Note("match-note"),
  caption: new Note("caption-note"),
  load: new Note("load-note"),
  status: new Note("status"),
};
const matchForm = element("match", HTMLFormElement);
const captionForm = element("caption", HTMLFormElement);
const loadForm = element("load", HTMLFormElement);

interface Model {
  readonly name: string;
  readonly blip: Blip;
}

/** The model that is loaded. It stays until another one is. */
let model: Model | undefined;
/** Stops what is being loaded, when something else is to be. */
let loading: AbortController | undefined;

/** An image that is looked at by a model. Another image, or another model, makes another view. */
interface View {
  readonly input: string | File;
  readonly stop: AbortController;
  /** The image as the model holds it, from its first question on: both forms ask about the same states. */
  held: Promise<BlipImage> | undefined;
}

let view: View = { input: "scenes/01.png", stop: new AbortController(), held: undefined };

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
const codeOf = (error: object) => ("code" in error ? String(error.code) : "");

/** Beside what a failure or a warning is said: beside the image, the texts or the model, or else where it was asked for. */
function causeOf(code: string, asked: Note): Note {
  if (code.startsWith("image/")) return notes.image;
  if (code.startsWith("text/")) return notes.match;
  return /^(?:model|hub|checkpoint|config|tokenizer|weights)\//.test(code) ? notes.load : asked;
}

/** What a model cannot know stands below the answers until another model is loaded; the rest stands beside its cause. */
function warn({ code, message }: Warning): void {
  if (code !== "text/unknown-words" && code !== "model/embedded-drawings") {
    causeOf(code, notes.image).say(message);
    return;
  }
  const item = document.createElement("li");
  item.dataset.code = code;
  item.textContent = message;
  warnings.append(item);
}

const report = (error: unknown, asked: Note) =>
  causeOf(typeof error === "object" && error ? codeOf(error) : "", asked).complain(messageOf(error));

const can = (task: "match" | "caption") => model?.blip.tasks.includes(task) === true;

function offerTasks(): void {
  buttonOf(matchForm).disabled = !can("match");
  buttonOf(captionForm).disabled = !can("caption");
}

/** What cannot be asked of the model, and what it knows. */
function sayWhatItCan({ name, blip }: Model): void {
  const threads = crossOriginIsolated ? `${navigator.hardwareConcurrency} threads` : "one thread";
  notes.status.say(`${name}: does ${blip.tasks.join(", ")}; ${threads}.`);
  notes.knows.say(
    name === "picture-book"
      ? "The model picture-book knows drawings, not photographs: 79 everyday things as emoji on plain backgrounds. For " +
          "photographs load one of Salesforce's below."
      : "",
  );
  if (!can("match")) notes.match.say(`${name} has no matching heads, so that it cannot match.`);
  if (!can("caption"))
    notes.caption.say(
      `${name} has no language head, so that it cannot caption. Load a model that can below: picture-book, or, ` +
        "for photographs, Salesforce/blip-image-captioning-base (990 MB from the Hub).",
    );
}

/** What was said of another image, or by another model, does not stay, nor what it has not said yet. */
function look(input: string | File): void {
  view.stop.abort();
  view.held?.then((image) => image.close()).catch(() => undefined);
  view = { input, stop: new AbortController(), held: undefined };
  rows.replaceChildren();
  said.textContent = "";
  for (const note of [notes.image, notes.match, notes.caption]) note.say("");
  offerTasks();
  if (model) sayWhatItCan(model);
}

function showImage(input: string | File): void {
  if (preview.src.startsWith("blob:")) URL.revokeObjectURL(preview.src);
  preview.src = typeof input === "string" ? input : URL.createObjectURL(input);
  look(input);
  for (const button of document.querySelectorAll(".scenes button"))
    button.setAttribute("aria-pressed", String(button.getAttribute("data-scene") === input));
}

/** The image of a view: encoded when it is first asked about, once. */
function heldOf(about: View, { blip }: Model): Promise<BlipImage> {
  const image = (about.held ??= blip.image(about.input, { signal: about.stop.signal }));
  image.catch(() => {
    about.held = undefined;
  });
  return image;
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

/** Nothing is shown before the first bytes are there, and nothing stays when the last are. */
function showProgress({ kind, loaded, total }: DownloadProgress): void {
  progress.hidden = loaded === 0 || loaded >= total;
  progress.max = total;
  progress.value = loaded;
  const verb = kind === "download" ? "Fetched" : "Converted";
  notes.load.say(progress.hidden ? "" : `${verb} ${megabytes(loaded)} of ${megabytes(total)} ...`);
}

/** The model that is there goes on until the new one is. */
async function load(name: string): Promise<void> {
  loading?.abort();
  const attempt = (loading = new AbortController());
  notes.load.say(`Loading ${name} ...`);
  let mine: Blip | undefined;
  try {
    const blip = await Blip.fromPretrained(name, {
      signal: attempt.signal,
      onProgress: (event) => {
        if (mine ? mine === model?.blip : attempt === loading) showProgress(event);
      },
      onWarning: warn,
    });
    mine = blip;
    if (attempt !== loading) return void blip.close();
    const before = model;
    model = { name, blip };
    notes.load.say("");
    warnings.replaceChildren();
    look(view.input);
    await before?.blip.close();
  } catch (error) {
    if (attempt !== loading) return;
    notes.load.complain(messageOf(error));
    if (!model) notes.status.say("No model is loaded.");
  } finally {
    if (attempt === loading) progress.hidden = true;
  }
}

/**
 * Asks about the image that is shown, and shows the answer if that is still the one.
 * @param ask gives what shows the answer
 */
async function answer(
  form: HTMLFormElement,
  note: Note,
  ask: (image: BlipImage, signal: AbortSignal) => Promise<() => void>,
): Promise<void> {
  if (!model) return;
  const about = view;
  const start = performance.now();
  buttonOf(form).disabled = true;
  for (const old of [notes.image, note]) old.say("");
  note.say("Looking ...");
  try {
    const show = await ask(await heldOf(about, model), about.stop.signal);
    if (about !== view) return;
    show();
    note.say(`Answered in ${((performance.now() - start) / 1000).toFixed(2)} s.`);
  } catch (error) {
    if (about !== view) return;
    note.say("");
    report(error, note);
  } finally {
    if (about === view) {
      progress.hidden = true;
      offerTasks();
    }
  }
}

async function match(image: BlipImage, signal: AbortSignal): Promise<() => void> {
  const lines = texts.value.split("\n").filter((line) => line.trim() !== "");
  const scored = await image.match(lines, { signal });
  return () => rows.replaceChildren(...scored.map((row) => rowOf(row.text, row.probability, row.cosine)));
}

async function caption(image: BlipImage, signal: AbortSignal): Promise<() => void> {
  const [row] = await image.caption({ signal });
  return () => {
    said.textContent = row?.caption ?? "";
  };
}

const onSubmit = (form: HTMLFormElement, work: () => Promise<void>) =>
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void work();
  });
onSubmit(matchForm, () => answer(matchForm, notes.match, match));
onSubmit(captionForm, () => answer(captionForm, notes.caption, caption));
onSubmit(loadForm, () => load(element("model", HTMLInputElement).value.trim()));

preview.addEventListener("error", () => notes.image.complain("The browser cannot show this file."));
showScenes(element("scenes", HTMLDivElement), showImage);
listenForFiles(element("file", HTMLInputElement), element("drop", HTMLLabelElement), showImage);

showImage(view.input);
void load("picture-book");
