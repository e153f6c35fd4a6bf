// Classifies each patch of an image with a head that is dropped after training. This trains the image encoder if the
// data has patch labels (the embedded model's training began this way, train/world/weights).
import { floatTensor, int64Tensor, type Value } from "@blip-ts/graph";
import type { ImageBatch, PatchBatch } from "./batches.ts";
import { badBatch, badSetting } from "./errors.ts";
import type { Network } from "./network.ts";
import type { LossPart } from "./part.ts";

/** The path of the head's weights. */
const head = "patch_names";

export interface PatchNamesOptions {
  /** K: the number of names that a patch may have. */
  readonly kinds: number;
  /** The weight of each name [K], as in torch's CrossEntropyLoss. Default: 1 each. */
  readonly weights?: readonly number[];
}

function build({ b, batch: B, imageStates }: Network, kinds: number): Value {
  const patches = Number(imageStates.shape[1]) - 1;
  const labels = b.input("patch_labels", "int64", [B, patches]);
  const weights = b.input("patch_weights", "float32", [B, patches]);
  const named = b.linear(b.slice(imageStates, 1, 1, patches + 1), head, kinds);
  return b.sum(b.multiply(b.crossEntropy(named, labels), weights), [0, 1]);
}

/** The loss `patch-names`: the weighted mean over patches with a known name; 0 if no name is known. */
export function patchNames({
  kinds,
  weights,
}: PatchNamesOptions): LossPart<ImageBatch & Partial<Pick<PatchBatch, "patches">>> {
  if (!Number.isInteger(kinds) || kinds < 2)
    throw badSetting("kinds of patches", kinds, "a whole number from 2");
  if (weights && weights.length !== kinds)
    throw badSetting("weights of patches", weights.length, `${kinds} numbers`);
  return {
    name: "patch-names",
    build: (network) => build(network, kinds),
    inputs({ size, patches }) {
      if (!patches) throw badBatch("patches", "none", "labels of the batch's patches");
      const known = Array.from({ length: patches.length }, (_, index) => Number(patches[index]));
      const wrong = known.find((kind) => !Number.isInteger(kind) || kind < -1 || kind >= kinds);
      if (wrong !== undefined) throw badBatch("a patch", wrong, `-1 to ${kinds - 1}`);
      const own = known.map((kind) => (kind < 0 ? 0 : (weights?.[kind] ?? 1)));
      const whole = own.reduce((a, b) => a + b, 0);
      const dims = [size, known.length / size];
      return {
        patch_labels: int64Tensor(
          dims,
          known.map((kind) => Math.max(0, kind)),
        ),
        patch_weights: floatTensor(
          dims,
          own.map((weight) => (whole > 0 ? weight / whole : 0)),
        ),
      };
    },
    throwAway: [head],
  };
}
