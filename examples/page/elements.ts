// Finds and creates the page's elements, and listens to their events.

export function element<E extends HTMLElement>(id: string, kind: new () => E): E {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${id}`);
  return found;
}

export function buttonOf(form: HTMLFormElement): HTMLButtonElement {
  const button = form.querySelector("button");
  if (!button) throw new Error("a form has no button");
  return button;
}

/** A line of the page for a status or an error. */
export class Note {
  readonly #line: HTMLParagraphElement;

  constructor(id: string) {
    this.#line = element(id, HTMLParagraphElement);
  }

  say(text: string): void {
    this.#line.classList.remove("wrong");
    this.#line.textContent = text;
  }

  complain(text: string): void {
    this.say(text);
    this.#line.classList.add("wrong");
  }
}

/** A text with its scores. */
export function rowOf(text: string, probability: number, cosine: number): HTMLLIElement {
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

/** A button for each of the twelve example scenes. */
export function showScenes(list: HTMLElement, choose: (address: string) => void): void {
  for (let number = 1; number <= 12; number++) {
    const address = `scenes/${String(number).padStart(2, "0")}.png`;
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.scene = address;
    const image = document.createElement("img");
    image.src = address;
    image.alt = `Scene ${number}`;
    button.append(image);
    button.addEventListener("click", () => choose(address));
    list.append(button);
  }
}

/** Calls `choose` for each file that the user selects or drops. */
export function listenForFiles(
  input: HTMLInputElement,
  drop: HTMLElement,
  choose: (file: File) => void,
): void {
  input.addEventListener("change", () => {
    const file = input.files?.[0];
    // Allows choosing the same file again after another image.
    input.value = "";
    if (file) choose(file);
  });
  for (const kind of ["dragenter", "dragover", "dragleave", "drop"])
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", kind === "dragenter" || kind === "dragover");
    });
  drop.addEventListener("drop", ({ dataTransfer }) => {
    const file = dataTransfer?.files[0];
    if (file) choose(file);
  });
}
