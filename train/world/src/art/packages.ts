// The npm packages with the art: pinned and verified by checksum. They are not dependencies.

export interface ArtPackage {
  readonly name: string;
  readonly version: string;
  /** The registry's checksum: sha512, base64. */
  readonly sha512: string;
  /** The licence that the package states. */
  readonly licence: string;
}

/** Iconify's sets, by style. */
const sets = {
  noto: [
    "1.2.9",
    "Apache-2.0",
    "DQiuXENbun41ch+XPSV55H9FaWKpHTyz46YIKtSaKYD4fIDDzL1tR6H4np/T38jfrTAeI3rcKF0mqHYeZVAuaw==",
  ],
  "noto-v1": [
    "1.2.5",
    "Apache-2.0",
    "/DsVMius69Q0fRS53z7QK1TROSuar606jiIx+laXtdsYGMXpf6LtHBx6CGfoo3UHHb/XpBsw+1L1x3eyPqMuVA==",
  ],
  "fluent-emoji": [
    "1.2.7",
    "MIT",
    "D8G6bKAyIsyxP1rzZtIWr/gg/fO4Rg1+DyCWlfqKK4h8W+4Em/Y0P6QYgJUQTlUcagzJvSyg+9OBv4hz4Hc/QA==",
  ],
  "fluent-emoji-flat": [
    "1.2.6",
    "MIT",
    "RY47RgPb47fYUiyrA64sIOL0+UU02s29sXpNBbIQRBUlPlfNFTKUmZDERGuxDs/7yNGWqQYvuaSYM1M4fRXlUw==",
  ],
  emojione: [
    "1.2.3",
    "CC-BY-4.0",
    "T9+T3HIbJNLKKsmxYKlaYhvnHYkz/HNYTV7SHCXVZPfeUi4FqskY70YeN8yYAZT8cCv7w5vJxS4Q1m8zb9CMMg==",
  ],
  fxemoji: [
    "1.2.2",
    "Apache-2.0",
    "UAasRaxzFUKfIGSmLwnoarsssA4LX0VLLuEmplIqM6ZNQqIQRtav8tZ4H1neTlBreXuMQyAifr5jP4kn78DpiQ==",
  ],
  "streamline-emojis": [
    "1.2.4",
    "CC-BY-4.0",
    "iNr9T9XuZVTyQPJO8ZlLxBzPkpi7qMl+z1l0C31vpEMqhPMelth3n7CeWQYtixdetDPdI81yeG4ROqjWpYJE6A==",
  ],
  twemoji: [
    "1.2.5",
    "CC-BY-4.0",
    "uKpuIEV0v6K5BW3Mjdyl+XKFVAbbcPxAgifKvEMtZoUZB5+YiY5zaMm2uNNCxyXzAWU9yNLlj41WU6/mvgALsw==",
  ],
  openmoji: [
    "1.2.29",
    "CC-BY-SA-4.0",
    "vXdhkqcXVSO6suy+m9LbcUM3OdVyuNOtpV8/als/WqfkQIRxevL5Geb/g+6GH/Qwnq1OqksEmaDGTCmZ5nFKJQ==",
  ],
  "emojione-v1": [
    "1.2.3",
    "CC-BY-SA-4.0",
    "UjI2VQEXVtGlPBvQuxEizro7QCgBcJDOYwKUupquvvZ8UV4xOlvm45IU82JYWegiAWLerY79gFLMZ26U6Ms+ww==",
  ],
} as const satisfies Readonly<Record<string, readonly [string, string, string]>>;

export type Style = keyof typeof sets;

export const isStyle = (name: string): name is Style => Object.hasOwn(sets, name);

/** All styles, in the order of the catalogue. */
export const styles: readonly Style[] = Object.keys(sets).filter(isStyle);

/** The styles of the training data. */
export const trainingStyles: readonly Style[] = [
  ...([
    "noto",
    "noto-v1",
    "fluent-emoji",
    "fluent-emoji-flat",
    "emojione",
    "fxemoji",
    "streamline-emojis",
  ] as const),
];

/** The styles held out completely. Their licence allows showing images of them. */
export const unseenStyles: readonly Style[] = ["twemoji"];

/** The styles held out completely whose licence is share-alike, so no image of them is committed. */
export const farStyles: readonly Style[] = ["openmoji", "emojione-v1"];

export function packageOf(style: Style): ArtPackage {
  const [version, licence, sha512] = sets[style];
  return { name: `@iconify-json/${style}`, version, licence, sha512 };
}

/** CLDR's labels of the emoji, in many languages. */
export const namesPackage: ArtPackage = {
  name: "emojibase-data",
  version: "17.0.0",
  licence: "MIT",
  sha512: "Yvgb5AWoHViHV/gq1qr5ZAarcBip+B27/ZLRsUJkbgAEaLlZ/fof9g882LTpmEpyhBNEC0m2SEmItljHsTygjA==",
};

export const artPackages: readonly ArtPackage[] = [...styles.map(packageOf), namesPackage];
