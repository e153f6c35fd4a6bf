// Single outputs that were published of Salesforce's models: BLIP's notebook, transformers' slow tests, LAVIS's tests.
// All were made with 12 attention heads.
import type { Compat } from "../platform.ts";

/** Something that was published of a model: a picture, what was asked, what came out. */
export interface Sample {
  /** The model by the ends of its Hub id and of its original file: "blip-itm-base-coco", "model_base_retrieval_coco". */
  readonly models: readonly string[];
  /** A name among the pictures. */
  readonly picture: string;
  readonly compat: Compat;
  /** Side of the pictures where it is not the model's own. */
  readonly imageSize?: number;
  /** Where it was published. */
  readonly source: string;
  readonly expected:
    | {
        readonly task: "match";
        readonly text: string;
        readonly probability?: number;
        readonly cosine?: number;
        readonly tolerance: number;
      }
    | {
        readonly task: "caption";
        readonly prompt?: string;
        readonly tokens?: readonly number[];
        readonly caption?: string;
      }
    | {
        readonly task: "ask";
        readonly question: string;
        readonly answers?: readonly string[];
        readonly tokens?: readonly number[];
        readonly answer?: string;
      }
    | { readonly task: "embed"; readonly text: string; readonly cosine: number; readonly tolerance: number };
}

/** Where the pictures are. */
export const publishedPictures: Readonly<Record<string, string>> = {
  "demo.jpg": "https://storage.googleapis.com/sfr-vision-language-research/BLIP/demo.jpg",
  "merlion.png": "https://raw.githubusercontent.com/salesforce/LAVIS/main/docs/_static/merlion.png",
  "000000039769.jpg": "http://images.cocodataset.org/val2017/000000039769.jpg",
};

const notebook = "BLIP demo.ipynb";
const transformers = "transformers tests/models/blip";
const lavis = "LAVIS tests/models/test_blip.py";

const baseCoco = ["blip-itm-base-coco", "model_base_retrieval_coco"];
const largeCoco = ["blip-itm-large-coco", "model_large_retrieval_coco"];
/** What the notebook's saved caption is of; its cell names another file. */
const notebookCaption = ["model_base_caption", "model*_base_caption"];
const baseCaption = ["blip-image-captioning-base"];
const cocoCaption = ["model_base_caption_capfilt_large"];
const largeCocoCaption = ["model_large_caption"];
const baseVqa = ["blip-vqa-base"];
const vqa = ["model_base_vqa_capfilt_large", "blip-vqa-capfilt-large", "model_vqa"];
const pretrained = ["model_base_capfilt_large"];

const fountain = "a large fountain spewing water into the air";

/** transformers' slow tests: greedy, [CLS], Pillow's resize. */
const ofTransformers: readonly Sample[] = [
  {
    models: baseCoco,
    picture: "demo.jpg",
    compat: "hf",
    source: transformers,
    expected: {
      task: "match",
      text: "A woman and her dog sitting in a beach",
      probability: 0.9971,
      cosine: 0.5162,
      tolerance: 1e-3,
    },
  },
  {
    models: baseCaption,
    picture: "demo.jpg",
    compat: "hf",
    source: transformers,
    expected: { task: "caption", tokens: [30522, 1037, 2450, 3564, 2006, 1996, 3509, 2007, 2014, 3899, 102] },
  },
  {
    models: baseCaption,
    picture: "demo.jpg",
    compat: "hf",
    source: transformers,
    expected: {
      task: "caption",
      prompt: "a picture of",
      tokens: [30522, 1037, 3861, 1997, 1037, 2450, 1998, 2014, 3899, 2006, 1996, 3509, 102],
    },
  },
  {
    models: baseCaption,
    picture: "demo.jpg",
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
    picture: "demo.jpg",
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
    picture: "000000039769.jpg",
    compat: "hf",
    source: "transformers documentation",
    expected: { task: "caption", caption: "two cats sleeping on a couch" },
  },
  {
    models: baseVqa,
    picture: "000000039769.jpg",
    compat: "hf",
    source: "transformers documentation",
    expected: { task: "ask", question: "How many cats are in the picture?", answer: "2" },
  },
];

/** The notebook's matching keeps [CLS] (models/blip_itm.py), as transformers does. */
const ofNotebook: readonly Sample[] = [
  {
    models: baseCoco,
    picture: "demo.jpg",
    compat: "hf",
    source: notebook,
    expected: {
      task: "match",
      text: "a woman sitting on the beach with a dog",
      probability: 0.996,
      cosine: 0.5262,
      tolerance: 1e-3,
    },
  },
  {
    models: notebookCaption,
    picture: "demo.jpg",
    compat: "blip",
    source: notebook,
    expected: { task: "caption", caption: "a woman sitting on the beach with a dog" },
  },
  {
    models: vqa,
    picture: "demo.jpg",
    compat: "blip",
    source: notebook,
    expected: { task: "ask", question: "where is the woman sitting?", answer: "on beach" },
  },
];

const merlionMatch = (
  models: readonly string[],
  text: string,
  probability: number,
  cosine: number,
): Sample => ({
  models,
  picture: "merlion.png",
  compat: "lavis",
  source: lavis,
  // LAVIS resizes with torchvision's antialiasing on a picture in memory: a thousandth is left for that.
  expected: { task: "match", text, probability, cosine, tolerance: 1e-3 },
});

const ofLavis: readonly Sample[] = [
  merlionMatch(baseCoco, "merlion in Singapore", 0.98613, 0.4633),
  merlionMatch(baseCoco, "a random irrelevant caption", 0.05704, 0.23282),
  merlionMatch(largeCoco, "merlion in Singapore", 0.99466, 0.4474),
  merlionMatch(largeCoco, "a random irrelevant caption", 0.04744, 0.12821),
  {
    models: cocoCaption,
    picture: "merlion.png",
    compat: "lavis",
    source: lavis,
    expected: { task: "caption", caption: fountain },
  },
  {
    models: largeCocoCaption,
    picture: "merlion.png",
    compat: "lavis",
    source: lavis,
    expected: {
      task: "caption",
      caption: "a large statue of a person spraying water from a fountain",
    },
  },
  {
    models: vqa,
    picture: "merlion.png",
    compat: "lavis",
    source: lavis,
    expected: { task: "ask", question: "Which city is this photo taken?", answer: "singapore" },
  },
  {
    models: vqa,
    picture: "merlion.png",
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
    picture: "merlion.png",
    compat: "lavis",
    source: lavis,
    expected: { task: "embed", text: fountain, cosine: 0.2622, tolerance: 1e-3 },
  },
];

export const publishedSamples: readonly Sample[] = [...ofTransformers, ...ofNotebook, ...ofLavis];
