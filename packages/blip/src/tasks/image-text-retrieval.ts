// Matching and contrast as transformers' `BlipForImageTextRetrieval` offers them, over the graphs of model/matching.ts.
import { floatTensor, int64Tensor, type Tensor } from "@blip-ts/graph";
import { UsageError } from "../errors.ts";
import type { BlipConfig } from "../model/config.ts";
import { imageGraph, matchGraph, textGraph } from "../model/matching.ts";
import { float32Output } from "../runtime/float32.ts";
import type { RunOptions } from "../runtime/runtime.ts";
import type { Network } from "./network.ts";

/** Token ids and their padding mask, [B, T] each. */
export interface TextFeeds {
  readonly inputIds: Tensor<"int64">;
  /** 1 for tokens, 0 for padding; without it every position is a token. */
  readonly attentionMask?: Tensor<"int64"> | undefined;
}

export interface RetrievalInputs extends TextFeeds {
  /** [B, 3, S, S] */
  readonly pixelValues: Tensor<"float32">;
}

export interface ForwardProgress {
  readonly kind: "forward";
  readonly done: number;
  readonly total: number;
}

export interface ForwardOptions extends RunOptions {
  /** true (default): ITM logits; false: the cosine matrix. */
  readonly useItmHead?: boolean;
  /** Called before the first and after each of the two steps: the picture, the text. */
  readonly onProgress?: ((progress: ForwardProgress) => void) | undefined;
  /** Accepts pictures of another size than the checkpoint's by interpolating its position embeddings. */
  readonly interpolatePosEncoding?: boolean;
}

export interface RetrievalOutput {
  /** [B, 2] logits of "does not match" and "matches", or with `useItmHead: false` cosines [images, texts]. */
  readonly itmScore: Tensor<"float32">;
  /** All image states after the final LayerNorm, [B, N, D]. */
  readonly lastHiddenState: Tensor<"float32">;
  /** All text states, [B, T, D]: looking at the image, or with `useItmHead: false` alone. */
  readonly questionEmbeds: Tensor<"float32">;
}

export interface EncodedImages {
  /** All states, [B, N, D]. */
  readonly states: Tensor<"float32">;
  /** Unit vectors, [B, E]. */
  readonly features: Tensor<"float32">;
}

/** The tensors that the task needs of a checkpoint, by name and shape. */
export function retrievalWeights(config: BlipConfig): ReadonlyMap<string, readonly number[]> {
  const graphs = [imageGraph(config), textGraph(config), matchGraph(config)];
  return new Map(graphs.flatMap(({ weights }) => weights.map(({ name, shape }) => [name, shape] as const)));
}

function positions(length: number): Tensor<"int64"> {
  return int64Tensor(
    [length],
    Array.from({ length }, (_, index) => index),
  );
}

/** Both features are unit vectors, so that their dot products are cosines: [I, E], [B, E] -> [I, B]. */
export function cosineMatrix(images: Tensor<"float32">, texts: Tensor<"float32">): Tensor<"float32"> {
  const [rows = 0, width = 0] = images.dims;
  const [columns = 0] = texts.dims;
  const data = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      for (let k = 0; k < width; k++)
        sum += (images.data[row * width + k] ?? 0) * (texts.data[column * width + k] ?? 0);
      data[row * columns + column] = sum;
    }
  return floatTensor([rows, columns], data);
}

/** The network of one checkpoint, ready for pictures and texts. */
export class ImageTextRetrieval implements AsyncDisposable {
  readonly #network: Network;
  /** The id that stands first where a text looks at an image: undefined leaves the text's own ([CLS]). */
  readonly #firstToken: number | undefined;

  constructor(network: Network, firstToken?: number) {
    this.#network = network;
    this.#firstToken = firstToken;
  }

  get config(): BlipConfig {
    return this.#network.config;
  }

  async encodeImages(
    pixelValues: Tensor<"float32">,
    options: RunOptions & { readonly interpolatePosEncoding?: boolean | undefined } = {},
  ): Promise<EncodedImages> {
    const [, channels, height = 0, width = 0] = pixelValues.dims;
    const { imageSize } = this.config.vision;
    const expected = height === imageSize && width === imageSize;
    if (
      pixelValues.dims.length !== 4 ||
      channels !== 3 ||
      (!expected && options.interpolatePosEncoding !== true)
    )
      throw new UsageError(
        "model/bad-pixels",
        `pixelValues: expected [B, 3, ${imageSize}, ${imageSize}], found [${pixelValues.dims.join(", ")}]. ` +
          "Pictures of another size need interpolatePosEncoding: true.",
        { found: pixelValues.dims, imageSize },
      );
    const outputs = await this.#network.run(
      `image ${height}x${width}`,
      () => imageGraph(this.config, height, width),
      { pixel_values: pixelValues },
      options,
    );
    return {
      states: float32Output(outputs, "image_embeds"),
      features: float32Output(outputs, "image_features"),
    };
  }

  /** Texts alone: all states [B, T, D] and unit vectors [B, E]. Index 0 stays [CLS]. */
  async encodeTexts(texts: TextFeeds, options: RunOptions = {}): Promise<EncodedImages> {
    const feeds = this.#textFeeds(texts);
    const outputs = await this.#network.run("text", () => textGraph(this.config), feeds, options);
    return {
      states: float32Output(outputs, "question_embeds"),
      features: float32Output(outputs, "text_features"),
    };
  }

  /**
   * Texts that look at images: `imageStates` [I, N, D] and B texts, B a multiple of I; each image in turn has B/I of the
   * texts. Returns logits [B, 2] and all text states [B, T, D].
   */
  async matchTexts(
    imageStates: Tensor<"float32">,
    texts: TextFeeds,
    options: RunOptions = {},
  ): Promise<{ readonly logits: Tensor<"float32">; readonly states: Tensor<"float32"> }> {
    const [images = 0] = imageStates.dims;
    const [count = 0] = texts.inputIds.dims;
    if (images === 0 || count % images !== 0)
      throw new UsageError(
        "model/unequal-batches",
        `${count} texts cannot be shared out among ${images} images: give as many texts as images`,
        { images, texts: count },
      );
    const feeds = { ...this.#textFeeds(texts, this.#firstToken), image_embeds: imageStates };
    const outputs = await this.#network.run("match", () => matchGraph(this.config), feeds, options);
    return { logits: float32Output(outputs, "itm_score"), states: float32Output(outputs, "question_embeds") };
  }

  /**
   * ITM logits of each picture with its text, or with `useItmHead: false` the cosines of all pictures with all texts.
   * Follows transformers' `BlipForImageTextRetrieval.forward`.
   * @throws {UsageError} `model/bad-pixels`, `model/unequal-batches`, `model/bad-ids`
   */
  async forward(inputs: RetrievalInputs, options: ForwardOptions = {}): Promise<RetrievalOutput> {
    const { useItmHead = true, signal, onProgress } = options;
    const report = (done: number) => onProgress?.({ kind: "forward", done, total: 2 });
    report(0);
    // The text's session is loaded while the picture is looked at; its failure is reported where it is used.
    const [key, graph] = useItmHead ? (["match", matchGraph] as const) : (["text", textGraph] as const);
    this.#network.session(key, () => graph(this.config)).catch(() => undefined);
    const images = await this.encodeImages(inputs.pixelValues, options);
    report(1);
    if (useItmHead) {
      const { logits, states } = await this.matchTexts(images.states, inputs, { signal });
      report(2);
      return { itmScore: logits, lastHiddenState: images.states, questionEmbeds: states };
    }
    const texts = await this.encodeTexts(inputs, { signal });
    report(2);
    return {
      itmScore: cosineMatrix(images.features, texts.features),
      lastHiddenState: images.states,
      questionEmbeds: texts.states,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#network[Symbol.asyncDispose]();
  }

  #textFeeds({ inputIds, attentionMask }: TextFeeds, firstToken?: number): Record<string, Tensor> {
    const [count = 0, length = 0] = inputIds.dims;
    const { maxPositions, vocabSize } = this.config.text;
    if (inputIds.dims.length !== 2 || length === 0 || length > maxPositions)
      throw new UsageError(
        "model/bad-ids",
        `inputIds: expected [B, T] with 1 to ${maxPositions} tokens, found [${inputIds.dims.join(", ")}]`,
        { found: inputIds.dims, maxPositions },
      );
    const wrong = inputIds.data.find((id) => id < 0n || id >= BigInt(vocabSize));
    if (wrong !== undefined)
      throw new UsageError(
        "model/bad-ids",
        `inputIds: ${wrong} is not an id of the vocabulary of ${vocabSize}`,
        {
          id: Number(wrong),
          vocabSize,
        },
      );
    const data = inputIds.data.slice();
    if (firstToken !== undefined)
      for (let row = 0; row < count; row++) data[row * length] = BigInt(firstToken);
    const mask = attentionMask ?? { dtype: "int64", dims: inputIds.dims, data: data.map(() => 1n) };
    if (mask.data.length !== data.length)
      throw new UsageError(
        "model/bad-ids",
        `attentionMask: expected the shape of inputIds, [${inputIds.dims.join(", ")}], found [${mask.dims.join(", ")}]`,
      );
    return {
      input_ids: { dtype: "int64", dims: inputIds.dims, data },
      position_ids: positions(length),
      attention_mask: mask,
    };
  }
}
