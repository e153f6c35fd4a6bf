// Pixel values of transformers 5.23's BlipImageProcessorPil (NumPy 2.4), bit-exact. Whole images are compared in
// platform/node/decode-image.test.ts.
import { describe, expect, test } from "vitest";
import { defaultImageConfig, parseImageConfig, preprocess, type ImageConfig } from "./preprocess.ts";

const name = "model/preprocessor_config.json";
const image = {
  data: Uint8Array.of(0, 1, 2, 63, 127, 128, 200, 254, 255, 17, 99, 180),
  width: 2,
  height: 2,
};
const pixels = async (said: object) => [
  ...(await preprocess(image, parseImageConfig({ size: 2, ...said }, name), "13")),
];

describe("preprocess", () => {
  test.each<[string, object, number[]]>([
    [
      "by default",
      {},
      [
        -1.7922625541687012, -0.8725616335868835, 1.12742280960083, -1.5440893173217773, -1.7370892763137817,
        0.15388943254947662, 2.059875965118408, -0.26632803678512573, -1.4517797231674194,
        0.33994877338409424, 2.1458969116210938, 1.0793921947479248,
      ],
    ],
    [
      "without rescaling",
      { do_rescale: false },
      [
        -1.7922625541687012, 232.73146057128906, 742.7274169921875, 61.491912841796875, 2.0748836994171143,
        484.27447509765625, 970.301025390625, 377.1190185546875, 5.7720136642456055, 462.6627502441406,
        923.1796264648438, 651.2208251953125,
      ],
    ],
    [
      "without normalising",
      { do_normalize: false },
      [
        0, 0.24705882370471954, 0.7843137383460999, 0.06666667014360428, 0.003921568859368563,
        0.49803921580314636, 0.9960784316062927, 0.38823530077934265, 0.007843137718737125, 0.501960813999176,
        1, 0.7058823704719543,
      ],
    ],
    [
      "with other numbers",
      { rescale_factor: 1 / 127.5, image_mean: [0.5, 0.4, 0.3], image_std: [0.1, 0.2, 0.7] },
      [
        -5, -0.05882352590560913, 10.686274528503418, -3.6666667461395264, -1.9607843160629272,
        2.9803919792175293, 7.960784435272217, 1.8823529481887817, -0.4061625003814697, 1.0056023597717285,
        2.4285714626312256, 1.5882352590560913,
      ],
    ],
  ])("gives transformers' numbers %s", async (_, said, expected) => {
    expect(await pixels(said)).toEqual(expected);
  });

  test("gives [3, height, width] for a size that is not square", async () => {
    const config = parseImageConfig({ size: { height: 3, width: 5 } }, name);
    expect(await preprocess(image, config, "13")).toHaveLength(45);
  });

  test("rejects another size where nothing is resized", async () => {
    const config: ImageConfig = { ...defaultImageConfig(384), doResize: false };
    await expect(preprocess(image, config, "13")).rejects.toThrow(/384 x 384 pixels, got 2 x 2/);
  });
});

describe("parseImageConfig", () => {
  const mean = [0.48145466, 0.4578275, 0.40821073];
  const std = [0.26862954, 0.26130258, 0.27577711];

  test("reads the generation of captioning-base, whose size is a number", () => {
    const json = { do_normalize: true, do_resize: true, image_mean: mean, image_std: std, size: 384 };
    expect(parseImageConfig(json, name)).toEqual(defaultImageConfig(384));
  });

  test("reads the generation of itm-base-flickr, dead fields and all", () => {
    const json = {
      ...{ do_normalize: true, do_pad: true, do_rescale: true, do_resize: true, image_mean: mean },
      ...{ image_processor_type: "BlipImageProcessor", image_std: std, resample: 3, size_divisor: 32 },
      ...{ rescale_factor: 0.00392156862745098, size: { height: 384, width: 384 } },
    };
    expect(parseImageConfig(json, name)).toEqual(defaultImageConfig(384));
  });

  test("takes BLIP's values for what is not said", () => {
    expect(parseImageConfig({}, name)).toEqual(defaultImageConfig(384));
  });

  test("takes one number for all channels", () => {
    expect(parseImageConfig({ image_mean: 0.5 }, name).mean).toEqual([0.5, 0.5, 0.5]);
  });

  test.each<[unknown, RegExp]>([
    [[], /expected an object of settings, got \[\]/],
    [{ size: { shortest_edge: 224 } }, /size: expected .*shortest_edge.*got {"shortest_edge":224}/],
    [{ size: 0 }, /size: expected a side of 1 to 2048 pixels/],
    [{ size: { height: 384 } }, /size: expected a side/],
    [{ size: 1e9 }, /got 1000000000/],
    [{ resample: 2 }, /resample: expected 3 \(bicubic\).*got 2/],
    [{ do_resize: "yes" }, /do_resize: expected true or false, got "yes"/],
    [{ do_center_crop: true }, /do_center_crop: expected false/],
    [{ do_convert_rgb: false }, /do_convert_rgb: expected true/],
    [{ rescale_factor: -1 }, /rescale_factor: expected a positive number, got -1/],
    [{ image_mean: [1, 2] }, /image_mean: expected three numbers.*got \[1,2\]/],
    [{ image_std: [1, 0, 1] }, /image_std: expected numbers other than 0/],
    [{ image_std: "x".repeat(500) }, /got "x{79}\.\.\./],
  ])("refuses %j by name", (json, message) => {
    expect(() => parseImageConfig(json, name)).toThrow(message);
    expect(() => parseImageConfig(json, name)).toThrow(
      expect.objectContaining({ code: "image/bad-config", message: expect.stringContaining(name) as string }),
    );
  });
});
