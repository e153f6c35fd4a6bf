// The globals with which training scripts, BLIP's among them, write their settings beside the weights: the arguments of
// argparse, the configuration as ruamel.yaml read it, numbers of NumPy. None says anything about weights. Each may be
// called, be given attributes and items, and keeps nothing: no Python runs, and no value is made of what it is given.

/** `ruamel.yaml` as its own package and as conda's `ruamel_yaml`, which BLIP imports. */
const RUAMEL_PACKAGES = ["ruamel.yaml", "ruamel_yaml"] as const;

/** What a configuration that was read with its comments consists of, by module. */
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

/** By the global's whole name, what it makes, for messages. */
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
