// A page that matches, captions and answers questions. It offers the tasks that the loaded model supports. It shows an answer only for the
// image and model of the question, and shows an error beside its cause.
import { Blip, type BlipImage, configure, type DownloadProgress, type Warning } from "blip-ts";
import { buttonOf, element, listenForFiles, Note, rowOf, showScenes } from "./elements.ts";

// `npm run page` puts all files beside this script, so the page works from any static server, without other hosts.
configure({ runtime: "./engine/", models: "./models/" });

const preview = element("preview", HTMLImageElement);
const texts = element("texts", HTMLTextAreaElement);
const rows = element("rows", HTMLOListElement);
const said = element("said", HTMLParagraphElement);
const question = element("question", HTMLInputElement);
const answered = element("answer", HTMLParagraphElement);
const warnings = element("warnings", HTMLUListElement);
const progress = element("progress", HTMLProgressElement);
const notes = {
  image: new Note("image-note"),
  knows: new Note("knows"),
  match: new Note("match-note"),
  caption: new Note("caption-note"),
  ask: new Note("ask-note"),
  load: new Note("load-note"),
  status: new Note("status"),
};
const matchForm = element("match", HTMLFormElement);
const captionForm = element("caption", HTMLFormElement);
const askForm = element("ask", HTMLFormElement);
const loadForm = element("load", HTMLFormElement);

interface Model {
  readonly name: string;
  readonly blip: Blip;
}

/** The loaded model. It stays until another one is loaded. */
let model: Model | undefined;
/** Cancels the current load when another one starts. */
let loading: AbortController | undefined;

/** An image for the current model. Another image or another model makes a new view. */
interface View {
  readonly input: string | File;
  readonly stop: AbortController;
  /** The encoded image, from the first question on. All forms share it. */
  held: Promise<BlipImage> | undefined;
}

let view: View = { input: "scenes/01.png", stop: new AbortController(), held: undefined };

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
const codeOf = (error: object) => ("code" in error ? String(error.code) : "");

/** The note for an error or a warning: at the image, the texts or the model, or else at the form that was used. */
function causeOf(code: string, asked: Note): Note {
  if (code.startsWith("image/")) return notes.image;
  if (code.startsWith("text/")) return asked === notes.ask ? asked : notes.match;
  return /^(?:model|hub|checkpoint|config|tokenizer|weights)\//.test(code) ? notes.load : asked;
}

/**
 * Shows a warning. Warnings about a model's limits stay below the answers until another model is loaded; others stand
 * beside their cause.
 */
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

const can = (task: "match" | "caption" | "ask") => model?.blip.tasks.includes(task) === true;

function offerTasks(): void {
  buttonOf(matchForm).disabled = !can("match");
  buttonOf(captionForm).disabled = !can("caption");
  buttonOf(askForm).disabled = !can("ask");
}

/** Shows the model's tasks and limits. */
function sayWhatItCan({ name, blip }: Model): void {
  const threads = crossOriginIsolated ? `${navigator.hardwareConcurrency} threads` : "one thread";
  notes.status.say(`${name}: does ${blip.tasks.join(", ")}; ${threads}.`);
  notes.knows.say(
    name === "picture-book"
      ? "The model picture-book knows drawings, not photographs: 119 everyday things as emoji, in plain, painted and " +
          "photographed places. For photographs load one of Salesforce's below."
      : "",
  );
  if (!can("match")) notes.match.say(`${name} has no matching heads, so it cannot match.`);
  if (!can("caption"))
    notes.caption.say(
      `${name} has no language head, so it cannot caption. Load a model that can below: picture-book, or, ` +
        "for photographs, Salesforce/blip-image-captioning-base (990 MB from the Hub).",
    );
  if (!can("ask"))
    notes.ask.say(
      `${name} does not answer questions. Load a model that does below: picture-book, or, for photographs, ` +
        "Salesforce/blip-vqa-base (1.5 GB from the Hub).",
    );
}

/** Starts a new view: clears the answers of the previous one and cancels its open questions. */
function look(input: string | File): void {
  view.stop.abort();
  view.held?.then((image) => image.close()).catch(() => undefined);
  view = { input, stop: new AbortController(), held: undefined };
  rows.replaceChildren();
  for (const line of [said, answered]) line.textContent = "";
  for (const note of [notes.image, notes.match, notes.caption, notes.ask]) note.say("");
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

/** The encoded image of a view. The first question encodes it. */
function heldOf(about: View, { blip }: Model): Promise<BlipImage> {
  const image = (about.held ??= blip.image(about.input, { signal: about.stop.signal }));
  image.catch(() => {
    about.held = undefined;
  });
  return image;
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

/** Shows the progress bar only between the first and the last bytes. */
function showProgress({ kind, loaded, total }: DownloadProgress): void {
  progress.hidden = loaded === 0 || loaded >= total;
  progress.max = total;
  progress.value = loaded;
  const verb = kind === "download" ? "Fetched" : "Converted";
  notes.load.say(progress.hidden ? "" : `${verb} ${megabytes(loaded)} of ${megabytes(total)} ...`);
}

/** Loads a model. The current model stays in use until then. */
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
 * Asks about the current image, and shows the answer if the image is still current.
 * @param ask returns a function that shows the answer
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

async function ask(image: BlipImage, signal: AbortSignal): Promise<() => void> {
  const [row] = await image.ask(question.value, { signal });
  return () => {
    answered.textContent = row?.answer ?? "";
  };
}

const onSubmit = (form: HTMLFormElement, work: () => Promise<void>) =>
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void work();
  });
onSubmit(matchForm, () => answer(matchForm, notes.match, match));
onSubmit(captionForm, () => answer(captionForm, notes.caption, caption));
onSubmit(askForm, () => answer(askForm, notes.ask, ask));
onSubmit(loadForm, () => load(element("model", HTMLInputElement).value.trim()));

preview.addEventListener("error", () => notes.image.complain("The browser cannot show this file."));
showScenes(element("scenes", HTMLDivElement), showImage);
listenForFiles(element("file", HTMLInputElement), element("drop", HTMLLabelElement), showImage);

showImage(view.input);
void load("picture-book");
