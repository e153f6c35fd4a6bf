// Published results of Salesforce's models, from BLIP's notebook, transformers' slow tests and LAVIS's tests. All
// results were computed with 12 attention heads.
import type { Compat } from "../../platform.ts";

/** A number with its tolerance. */
export type Published = readonly [value: number, tolerance: number];

/** The means over all states, and over all unit vectors of tokens. */
export type MeanName = "image" | "multimodal" | "text" | "textProjection" | "imageProjection";

/** A published result of a model: an image, the request and the outcome. */
export interface Sample {
  /** The last parts of the Hub id and the original file name: "blip-itm-base-coco", "model_base_retrieval_coco". */
  readonly models: readonly string[];
  /** The image's name in `publishedImages`. */
  readonly image: string;
  /** The conventions of the publication. */
  readonly compat: Compat;
  /** The side of the images, if it differs from the model's own. */
  readonly imageSize?: number;
  /** The publication. */
  readonly source: string;
  /** The published result. */
  readonly expected:
    | {
        readonly task: "match";
        readonly text: string;
        readonly probability?: Published;
        readonly cosine?: Published;
        /** Probability and cosine of the same weights with 8 text heads. */
        readonly eightHeads?: readonly [probability: number, cosine: number];
      }
    | {
        readonly task: "caption";
        readonly prompt?: string;
        readonly tokens?: readonly number[];
        /** The tokens of the same weights with 8 text heads. */
        readonly eightHeads?: readonly number[];
        readonly caption?: string;
      }
    | {
        readonly task: "ask";
        readonly question: string;
        readonly answers?: readonly string[];
        readonly tokens?: readonly number[];
        readonly answer?: string;
      }
    | { readonly task: "embed"; readonly text: string; readonly cosine: Published }
    | {
        readonly task: "means";
        readonly text: string;
        readonly means: readonly (readonly [name: MeanName, mean: Published])[];
      }
    /** softmax(cosine / temperature) over bare names. */
    | { readonly task: "classify"; readonly names: readonly (readonly [name: string, share: Published])[] }
    /** The mean smoothed loss of a caption's tokens after the first `promptTokens`, which include [DEC]. */
    | {
        readonly task: "loss";
        readonly text: string;
        readonly promptTokens: number;
        readonly loss: Published;
      };
}

/** The URLs of the images. */
export const publishedImages: Readonly<Record<string, string>> = {
  "demo.jpg": "https://storage.googleapis.com/sfr-vision-language-research/BLIP/demo.jpg",
  "merlion.png": "https://raw.githubusercontent.com/salesforce/LAVIS/main/docs/_static/merlion.png",
  "000000039769.jpg": "http://images.cocodataset.org/val2017/000000039769.jpg",
};

const notebook = "BLIP demo.ipynb";
const transformers = "transformers tests/models/blip";
const lavis = "LAVIS tests/models/test_blip.py";

const baseCoco = ["blip-itm-base-coco", "model_base_retrieval_coco"];
const largeCoco = ["blip-itm-large-coco", "model_large_retrieval_coco"];
/** The models of the notebook's saved outputs. The notebook's cells name other files. */
const notebookCaption = ["model_base_caption", "model*_base_caption"];
const baseCaption = ["blip-image-captioning-base"];
/** LAVIS fine-tuned this model; all other models are BLIP's own files (lavis/configs/models/blip_*.yaml). */
const cocoCaption = ["blip_coco_caption_base"];
const largeCocoCaption = ["model_large_caption"];
const baseVqa = ["blip-vqa-base"];
const notebookVqa = ["model_vqa", "model*_vqa"];
const lavisVqa = ["model_base_vqa_capfilt_large"];
const pretrained = ["model_base_capfilt_large"];

const fountain = "a large fountain spewing water into the air";
const statue = "a large statue of a person spraying water from a fountain";

/** The tolerance of transformers' tests. The notebooks state no tolerance, and print four digits or more. */
const thousandth = 1e-3;
/** The tolerance of LAVIS's tests for means and losses: a tenth of the number. */
const tenth = (value: number): Published => [value, Math.abs(value) / 10];

/** transformers' slow tests: greedy, [CLS], Pillow's resize. */
const ofTransformers: readonly Sample[] = [
  {
    models: baseCoco,
    image: "demo.jpg",
    compat: "hf",
    source: transformers,
    expected: {
      task: "match",
      text: "A woman and her dog sitting in a beach",
      probability: [0.9971, thousandth],
      cosine: [0.5162, thousandth],
      eightHeads: [0.0202, 0.5053],
    },
  },
  {
    models: baseCaption,
    image: "demo.jpg",
    compat: "hf",
    source: transformers,
    expected: { task: "caption", tokens: [30522, 1037, 2450, 3564, 2006, 1996, 3509, 2007, 2014, 3899, 102] },
  },
  {
    models: baseCaption,
    image: "demo.jpg",
    compat: "hf",
    source: transformers,
    expected: {
      task: "caption",
      prompt: "a picture of",
      tokens: [30522, 1037, 3861, 1997, 1037, 2450, 1998, 2014, 3899, 2006, 1996, 3509, 102],
      eightHeads: [30522, 1037, 3861, 1997, 1037, 2450, 3564, 2006, 1996, 3509, 2007, 2014, 3899, 102],
    },
  },
  {
    models: baseCaption,
    image: "demo.jpg",
    compat: "hf",
    imageSize: 500,
    source: transformers,
    expected: {
      task: "caption",
      tokens: [30522, 1037, 2450, 3564, 2006, 1996, 3509, 2007, 1037, 3899, 102],
    },
  },
  {
    models: baseVqa,
    image: "demo.jpg",
    compat: "hf",
    source: transformers,
    expected: {
      task: "ask",
      question: "how many dogs are in the picture?",
      tokens: [30522, 1015, 102],
    },
  },
  {
    models: baseCaption,
    image: "000000039769.jpg",
    compat: "hf",
    source: "transformers documentation",
    expected: { task: "caption", caption: "two cats sleeping on a couch" },
  },
  {
    models: baseVqa,
    image: "000000039769.jpg",
    compat: "hf",
    source: "transformers documentation",
    expected: { task: "ask", question: "How many cats are in the picture?", answer: "2" },
  },
];

/** The notebook's matching keeps [CLS] (models/blip_itm.py), as transformers does. */
const ofNotebook: readonly Sample[] = [
  {
    models: baseCoco,
    image: "demo.jpg",
    compat: "hf",
    source: notebook,
    expected: {
      task: "match",
      text: "a woman sitting on the beach with a dog",
      probability: [0.996, thousandth],
      cosine: [0.5262, thousandth],
    },
  },
  {
    models: notebookCaption,
    image: "demo.jpg",
    compat: "blip",
    source: notebook,
    expected: { task: "caption", caption: "a woman sitting on the beach with a dog" },
  },
  {
    models: notebookVqa,
    image: "demo.jpg",
    compat: "blip",
    source: notebook,
    expected: { task: "ask", question: "where is the woman sitting?", answer: "on beach" },
  },
];

/** LAVIS compares scores within 1e-5, and cosines of four digits within 1e-4. */
const merlionMatch = (
  models: readonly string[],
  text: string,
  probability: number,
  cosine: Published,
): Sample => ({
  models,
  image: "merlion.png",
  compat: "lavis",
  source: lavis,
  expected: { task: "match", text, probability: [probability, 1e-5], cosine },
});

const ofLavis: readonly Sample[] = [
  merlionMatch(baseCoco, "merlion in Singapore", 0.98613, [0.4633, 1e-4]),
  merlionMatch(baseCoco, "a random irrelevant caption", 0.05704, [0.23282, 1e-5]),
  merlionMatch(largeCoco, "merlion in Singapore", 0.99466, [0.4474, 1e-4]),
  merlionMatch(largeCoco, "a random irrelevant caption", 0.04744, [0.12821, 1e-5]),
  {
    models: cocoCaption,
    image: "merlion.png",
    compat: "lavis",
    source: lavis,
    expected: { task: "caption", caption: fountain },
  },
  {
    models: largeCocoCaption,
    image: "merlion.png",
    compat: "lavis",
    source: lavis,
    expected: {
      task: "caption",
      caption: statue,
    },
  },
  {
    models: cocoCaption,
    image: "merlion.png",
    compat: "lavis",
    source: lavis,
    // [DEC] a large statue: the loss excludes as many tokens as BLIP's prompt has.
    expected: { task: "loss", text: statue, promptTokens: 4, loss: tenth(2.7152) },
  },
  {
    models: lavisVqa,
    image: "merlion.png",
    compat: "lavis",
    source: lavis,
    expected: { task: "ask", question: "Which city is this photo taken?", answer: "singapore" },
  },
  {
    models: lavisVqa,
    image: "merlion.png",
    compat: "lavis",
    source: lavis,
    expected: {
      task: "ask",
      question: "Which city is this photo taken?",
      answers: ["Singapore", "London", "Palo Alto", "Tokyo"],
      answer: "Singapore",
    },
  },
  {
    models: pretrained,
    image: "merlion.png",
    compat: "lavis",
    source: lavis,
    expected: { task: "embed", text: fountain, cosine: [0.2622, thousandth] },
  },
  {
    models: pretrained,
    image: "merlion.png",
    compat: "lavis",
    imageSize: 224,
    source: lavis,
    expected: {
      task: "means",
      text: fountain,
      means: [
        ["image", tenth(-0.02032)],
        ["multimodal", tenth(-0.00095)],
        ["text", tenth(-6.6098e-5)],
        ["textProjection", tenth(-0.002149)],
        ["imageProjection", tenth(-0.0023)],
      ],
    },
  },
  {
    models: pretrained,
    image: "merlion.png",
    compat: "lavis",
    imageSize: 224,
    source: "LAVIS examples/blip_zero_shot_classification.ipynb",
    expected: {
      task: "classify",
      names: [
        ["merlion", [0.82005, thousandth]],
        ["sky", [0.00011, thousandth]],
        ["giraffe", [0, thousandth]],
        ["fountain", [0.0106, thousandth]],
        ["marina bay", [0.16924, thousandth]],
      ],
    },
  },
];

export const publishedSamples: readonly Sample[] = [...ofTransformers, ...ofNotebook, ...ofLavis];
