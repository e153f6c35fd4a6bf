// Kinds of image files against two generations of Pillow (oracle/hf/image_kind_goldens.py): equal, rejected by name, or
// different as documented in docs/images.md, which is checked against the results here.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { BlipError } from "@blip-ts/base";
import { fixture } from "../../../test/support/goldens.ts";
import type { DecodeOptions } from "../../image/decode-options.ts";
import { decodeImage } from "./decode-image.ts";

interface Expected {
  readonly hf?: string;
  readonly blip?: string;
  readonly error?: string;
}

interface Goldens {
  readonly pillow: Readonly<Record<string, Readonly<Record<string, Expected>>>>;
}

const goldens = JSON.parse(await readFile(fixture("goldens/image-kinds.json"), "utf8")) as Goldens;
const versions = ["10.4.0", "13.0.0"];
const files = Object.keys(goldens.pillow["13.0.0"] ?? {});

const modes: Readonly<Record<"hf" | "blip", DecodeOptions>> = {
  hf: { alpha: "white", orientation: "stored", grey16: "clip" },
  blip: { alpha: "drop", orientation: "upright", grey16: "clip" },
};

const sha = (data: Uint8Array) => createHash("sha256").update(data).digest("hex");

/** The result for a file in a mode: a hash, or an error code. */
async function found(file: string, mode: "hf" | "blip"): Promise<string> {
  try {
    return sha((await decodeImage(fixture(`images/kinds/${file}`), modes[mode])).data);
  } catch (error) {
    if (error instanceof BlipError) return error.code;
    throw error;
  }
}

/** The verdict on a file for docs/images.md: `equal`, `refused`, or its differences. */
async function verdict(file: string): Promise<string> {
  const parts: string[] = [];
  for (const mode of ["hf", "blip"] as const) {
    const own = await found(file, mode);
    if (own.startsWith("image/")) {
      expect([file, own]).toEqual([file, "image/unsupported"]);
      parts.push("refused");
      continue;
    }
    const different = versions.filter((version) => goldens.pillow[version]?.[file]?.[mode] !== own);
    parts.push(different.length === 0 ? "equal" : `not ${different.join(", ")}`);
  }
  const [hf, blip] = parts;
  return hf === blip ? (hf ?? "") : `hf: ${hf ?? ""}; blip: ${blip ?? ""}`;
}

test("docs/images.md says of each kind what is true of it", async () => {
  const docs = await readFile(fixture("../docs/images.md"), "utf8");
  const said = new Map(
    [...docs.matchAll(/^\| `([^`]+)` +\| [^|]*\| ([^|]*?) *\|/gm)].map(([, file = "", is = ""]) => [
      file,
      is,
    ]),
  );
  const rows: Record<string, string> = {};
  for (const file of files) rows[file] = await verdict(file);
  expect(Object.fromEntries(said)).toEqual(rows);
});
