// The verbs of one model, each created on its first call.
import { once } from "@blip-ts/base";
import { modelClosed } from "@blip-ts/engine";
import type { OpenTasks } from "../../load/task-networks.ts";
import type { ImageEncoder } from "../../run/image-encoder.ts";
import type { NetworkTask, Task } from "../../tasks/task.ts";
import { Answerer } from "../ask.ts";
import type { ImageVerbs } from "./blip-image.ts";
import { Captioner } from "../caption.ts";
import { Comparer } from "../compare.ts";
import { Embedder } from "../embed.ts";
import type { Processors } from "../image-batches.ts";
import { Matcher } from "../match.ts";
import { Retriever } from "../retrieve.ts";
import { partsOfTask, type VerbParts } from "../verb.ts";

/** Creates a value on first use, once. After a failure, the next call tries again. */
function lazily<Made>(make: () => Promise<Made>): () => Promise<Made> {
  let made: Promise<Made> | undefined;
  return () => {
    if (made) return made;
    const now = make();
    made = now;
    now.catch(() => {
      made = undefined;
    });
    return now;
  };
}

/** The shared parts of a model's verbs. */
export interface VerbBase<ImageInput> {
  readonly open: OpenTasks;
  readonly images: ImageEncoder;
  readonly processors: Processors<ImageInput>;
}

/** The verbs of a model, each created on its first call. Verbs of one network share its text encoder. */
export class LazyVerbs<ImageInput> implements ImageVerbs<ImageInput> {
  readonly #base: VerbBase<ImageInput>;
  readonly #parts = new Map<NetworkTask, Promise<VerbParts<ImageInput>>>();
  closed = false;

  constructor(base: VerbBase<ImageInput>) {
    this.#base = base;
  }

  readonly matcher = lazily(async () => Matcher.over(await this.#partsOf("match")));
  readonly captioner = lazily(async () => Captioner.over(await this.#partsOf("caption")));
  readonly answerer = lazily(async () => Answerer.over(await this.#partsOf("ask")));
  readonly comparer = lazily(async () => Comparer.over(await this.#partsOf("compare")));
  readonly embedder = lazily(async () => Embedder.over(await this.#partsOf("embed")));
  readonly retriever = lazily(async () => Retriever.over(await this.#partsOf("match")));

  expect(task: Task): void {
    if (this.closed) throw modelClosed();
    this.#base.open.expect(task);
  }

  #partsOf(task: NetworkTask): Promise<VerbParts<ImageInput>> {
    const { open, images, processors } = this.#base;
    return once(this.#parts, task, () => partsOfTask(open, task, images, processors));
  }
}
