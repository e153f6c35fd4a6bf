// The functions that bench/browser.ts calls in a page: the same probes as in Node, with the package as a page loads it.
import { BlipForConditionalGeneration, configure } from "blip-ts";
import {
  captionTokens,
  formulaNumbers,
  pixelScale,
  stateScale,
} from "../../packages/cli/src/bench/inputs.ts";

let model;

const timed = async (work) => {
  const start = performance.now();
  const outputs = await work();
  return { value: (performance.now() - start) / 1000, outputs: Array.from(outputs) };
};

globalThis.benchPage = {
  /** @param settings the settings for `configure` */
  async open(folder, settings, options) {
    configure(settings);
    model = await BlipForConditionalGeneration.fromPretrained(folder, options);
    return crossOriginIsolated;
  },

  image() {
    const size = model.loaded.imageSize;
    const pixels = formulaNumbers([1, 3, size, size], pixelScale);
    return timed(async () => (await model.encoder.imageStates(pixels)).data.slice(0, 8));
  },

  greedy() {
    const { imageSize } = model.loaded;
    const { patchSize, hiddenSize } = model.config.vision;
    const states = formulaNumbers([1, Math.floor(imageSize / patchSize) ** 2 + 1, hiddenSize], stateScale);
    const length = captionTokens + 1;
    const options = { beams: 1, minLength: length, maxLength: length };
    return timed(async () => {
      const [[best]] = await model.generator.generate({ states }, [[model.loaded.tokens.dec]], options);
      return best.tokens;
    });
  },
};
