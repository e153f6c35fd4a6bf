// The globals with which training scripts, including BLIP's, store settings beside the weights: argparse's arguments,
// the configuration from ruamel.yaml, NumPy's numbers. None affects weights. A pickle may call each of them and set
// attributes and items, which are discarded: no Python runs.

/** The package names of `ruamel.yaml`: its own, and conda's `ruamel_yaml`, which BLIP imports. */
const RUAMEL_PACKAGES = ["ruamel.yaml", "ruamel_yaml"] as const;

/** The classes of a configuration that was read with its comments, by module. */
const RUAMEL_CLASSES: Readonly<Record<string, readonly string[]>> = {
  anchor: ["Anchor"],
  comments: [
    "Comment",
    "CommentedKeyMap",
    "CommentedKeySeq",
    "CommentedMap",
    "CommentedOrderedMap",
    "CommentedSeq",
    "CommentedSet",
    "Format",
    "LineCol",
    "TaggedScalar",
  ],
  compat: ["ordereddict"],
  error: ["CommentMark", "FileMark", "StreamMark", "StringMark"],
  mergevalue: ["MergeValue"],
  scalarbool: ["ScalarBoolean"],
  scalarfloat: ["ExponentialCapsFloat", "ExponentialFloat", "ScalarFloat"],
  scalarint: ["BinaryInt", "DecimalInt", "HexCapsInt", "HexInt", "OctalInt", "ScalarInt"],
  scalarstring: [
    "DoubleQuotedScalarString",
    "FoldedScalarString",
    "LiteralScalarString",
    "PlainScalarString",
    "PreservedScalarString",
    "ScalarString",
    "SingleQuotedScalarString",
  ],
  tag: ["Tag"],
  tokens: ["CommentToken"],
};

/** Maps a global's full name to a description of its value, for messages. */
export const SKIPPED_GLOBALS: ReadonlyMap<string, string> = new Map([
  ["argparse.Namespace", "an argparse Namespace"],
  // NumPy 1 and 2 name the module differently.
  ["numpy.core.multiarray.scalar", "a NumPy number"],
  ["numpy._core.multiarray.scalar", "a NumPy number"],
  ["numpy.dtype", "a NumPy dtype"],
  ...RUAMEL_PACKAGES.flatMap((package_) =>
    Object.entries(RUAMEL_CLASSES).flatMap(([module, names]) =>
      names.map((name): [string, string] => [`${package_}.${module}.${name}`, `a ruamel.yaml ${name}`]),
    ),
  ),
]);
