// The supported kinds of TIFF: the kinds whose pixels were compared with Pillow's (oracle/hf/image_kind_goldens.py).
// libvips and Pillow both read other kinds, but with different results.
import type { TiffDirectory } from "./tiff-directory.ts";

/** The layout of a TIFF's pixels. */
export interface TiffKind {
  readonly photometric: number | undefined;
  readonly bits: readonly number[];
  readonly samples: number;
  /** The meaning of samples other than colours: 0 unspecified, 1 premultiplied alpha, 2 alpha. */
  readonly extra: readonly number[];
  /** 1 whole numbers, 2 signed, 3 floating point. */
  readonly sampleFormat: readonly number[];
  readonly compression: number;
  /** 1: the samples of a pixel are interleaved; 2: one plane per sample. */
  readonly planes: number;
  /** 2: the bits of a byte start at the lowest bit. */
  readonly fillOrder: number;
}

export function tiffKind(directory: TiffDirectory): TiffKind {
  const list = (tag: number) => directory.get(tag) ?? [];
  const number = <Default>(tag: number, normal: Default) => {
    const [first] = list(tag);
    return first ?? normal;
  };
  const samples = number(277, 1);
  const bits = list(258);
  return {
    photometric: number(262, undefined),
    bits: bits.length > 0 ? bits : [1],
    samples,
    extra: list(338),
    sampleFormat: list(339).length > 0 ? list(339) : [1],
    compression: number(259, 1),
    planes: number(284, 1),
    fillOrder: number(266, 1),
  };
}

const compressions: Readonly<Record<number, string>> = {
  1: "none",
  2: "CCITT RLE",
  3: "CCITT group 3",
  4: "CCITT group 4",
  5: "LZW",
  6: "old JPEG",
  7: "JPEG",
  8: "Deflate",
  32773: "PackBits",
  32809: "ThunderScan",
  32946: "Deflate (old number)",
  34661: "JBIG",
  34676: "SGI LogLuv",
  34712: "JPEG 2000",
  34887: "LERC",
  34925: "LZMA",
  50000: "Zstandard",
  50001: "WebP",
  50002: "JPEG XL",
};

const photometrics: Readonly<Record<number, string>> = {
  0: "grey, 0 white",
  1: "grey",
  2: "RGB",
  3: "palette",
  4: "mask",
  5: "CMYK",
  6: "YCbCr",
  8: "Lab",
  9: "ICC Lab",
  10: "ITU Lab",
  32803: "camera raw",
  32844: "LogL",
  32845: "LogLuv",
};

const formats: Readonly<Record<number, string>> = {
  1: "whole numbers",
  2: "signed numbers",
  3: "floating-point numbers",
  5: "complex whole numbers",
  6: "complex numbers",
};

const readCompressions = [1, 5, 7, 8, 32773, 32946];
const faxCompressions = [2, 3, 4];

/** The bits per sample of the supported kinds, by photometric, samples per pixel and extra samples. */
const compared: Readonly<Record<string, readonly number[]>> = {
  "0 1": [1, 2, 4, 8],
  "1 1": [1, 2, 4, 8, 16],
  "1 2 0": [8],
  "1 2 2": [8],
  "2 3": [8, 16],
  "2 4": [8],
  "2 4 0": [8, 16],
  "2 4 1": [8],
  "2 4 2": [8, 16],
  "3 1": [1, 2, 4, 8],
  "5 4": [8],
  "6 3": [8],
};

const isFax = ({ compression }: TiffKind) => faxCompressions.includes(compression);

/** Describes an unsupported coding, apart from the layout of samples. Returns undefined if the coding is supported. */
function foreignCoding(kind: TiffKind): string | undefined {
  const { compression, bits, photometric, planes, fillOrder } = kind;
  if (!readCompressions.includes(compression) && !isFax(kind))
    return `compressed with ${compressions[compression] ?? `method ${compression}`}`;
  if (isFax(kind) && bits.some((own) => own !== 1)) return "compressed as a fax, with more than 1 bit";
  // For other YCbCr, libvips and Pillow give different RGB values, by up to 165 of 255.
  if (photometric === 6 && compression !== 7) return "of YCbCr samples that are not JPEG";
  if (compression === 7 && bits.some((own) => own !== 8)) return `of JPEG with ${bits.join(", ")} bits`;
  if (planes !== 1 && !(photometric === 2 && bits.every((own) => own === 8)))
    return "with a plane per sample, and not 8-bit RGB";
  if (fillOrder !== 1 && !bits.every((own) => own === 1))
    return "with bits in reversed order, and more than 1";
  return undefined;
}

/** Describes why a TIFF is not supported. Returns undefined if the TIFF is supported. */
export function unreadTiff(kind: TiffKind): string | undefined {
  const { photometric, bits, samples, extra, sampleFormat } = kind;
  const [first = 1] = bits;
  const coding = foreignCoding(kind);
  if (coding !== undefined) return `a TIFF ${coding}`;
  const colours =
    photometric === undefined ? "no colour model" : (photometrics[photometric] ?? `model ${photometric}`);
  const layout = `${colours}, samples per pixel ${samples}, bits ${[...new Set(bits)].join(", ")}`;
  const beyond = extra.length > 0 ? `, extra samples ${extra.join(", ")}` : "";
  const unknown = `a TIFF of ${layout}${beyond}`;
  if (sampleFormat.some((format) => format !== 1))
    return `${unknown}, ${[...new Set(sampleFormat)].map((format) => formats[format] ?? `format ${format}`).join(", ")}`;
  if (bits.some((own) => own !== first)) return unknown;
  const key = [photometric, samples, ...extra].join(" ");
  return compared[key]?.includes(first) === true ? undefined : unknown;
}

/**
 * Whether Pillow treats the last sample as alpha: if the file declares it as alpha, or does not declare the meaning of
 * a fourth sample.
 */
export const tiffHasAlpha = ({ extra, samples, photometric }: TiffKind): boolean =>
  extra.length === 0
    ? photometric === 2 && samples === 4
    : extra.some((meaning) => meaning === 1 || meaning === 2);
