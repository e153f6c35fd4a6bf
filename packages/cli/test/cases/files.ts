// Inputs of cases from the field, made from the tiny models and images that the tests have.
import { cp, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { blip, rowsOf, scene, tiny } from "../run-blip.ts";

/** A temporary folder of the suite; the file that uses it makes and removes it. */
export class Folder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  at(...names: readonly string[]): string {
    return join(this.path, ...names);
  }

  /** Writes a file. @returns its path */
  async file(name: string, content: string | Uint8Array): Promise<string> {
    await writeFile(this.at(name), content);
    return this.at(name);
  }

  /**
   * A copy of a tiny model with other side files.
   * @param sideFiles by name: content, a change of the JSON that is there, or undefined for none
   */
  async model(
    name: string,
    sideFiles: Readonly<Record<string, unknown>>,
    weights: (bytes: Buffer) => Buffer = (bytes) => bytes,
  ): Promise<string> {
    const folder = await mkdtemp(this.at("model-"));
    await cp(tiny(name), folder, {
      recursive: true,
      filter: (path) =>
        !Object.entries(sideFiles).some(([file, to]) => to === undefined && path.endsWith(`/${file}`)),
    });
    const file = join(folder, "model.safetensors");
    await writeFile(file, weights(await readFile(file)));
    for (const [side, content] of Object.entries(sideFiles)) {
      if (content === undefined) continue;
      const change = content as (parsed: Record<string, unknown>) => unknown;
      const made =
        typeof content === "function"
          ? change(JSON.parse(await readFile(join(folder, side), "utf8")) as Record<string, unknown>)
          : content;
      await writeFile(join(folder, side), typeof made === "string" ? made : JSON.stringify(made));
    }
    return folder;
  }
}

/** Of a row: the code of its error, or what `see` makes of it. */
export const seen = (
  row: Readonly<Record<string, unknown>>,
  see: (row: Readonly<Record<string, unknown>>) => unknown,
) => ("error" in row ? (row.error as { code: string }).code : see(row));

/** Matches scenes with a text and a tiny model: exit code, and of each row its logits or the code of its error. */
export async function matched(
  model: string,
  images: readonly string[] = [scene("01")],
  more: readonly string[] = [],
  stdin?: string,
) {
  const args = ["match", ...images, "-t", "a dog", "--json", "--quiet", "--model", model, ...more];
  const { code, stdout, stderr } = await blip(args, stdin === undefined ? {} : { stdin });
  const rows = stdout === "" ? [] : rowsOf(stdout).map((row) => seen(row, ({ logits }) => logits));
  return { code, rows, stderr };
}

/** Exit code and the first line of what the command says. */
export async function said(...args: readonly string[]) {
  const { code, stderr } = await blip(args);
  return { code, said: stderr.split("\n")[0] ?? "" };
}
