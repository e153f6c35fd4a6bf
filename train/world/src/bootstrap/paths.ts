// The paths of a seed's work.
import { join } from "node:path";

/** The paths below a seed's work folder, which may be deleted when all rows of the seed exist. */
export const workPaths = (work: string) => ({
  web: join(work, "web"),
  clean: join(work, "clean"),
  test: join(work, "test"),
  /** The same scenes as in `test`, all grey. */
  blind: join(work, "blind"),
  truth: join(work, "truth.json"),
  /** Images whose patches the image encoder learns to name before any row. */
  encoder: join(work, "encoder"),
  stem: join(work, "stem"),
  /** The pairs of a row, or of the encoder. The file is beside the folders in its image paths. */
  set: (row: string) => join(work, `set-${row}.jsonl`),
  run: (name: string) => join(work, `run-${name}`),
  /** The model that a run writes. */
  model: (name: string) => join(work, `run-${name}`, "model"),
  recipe: (name: string) => join(work, `recipe-${name}.json`),
  capfilt: join(work, "capfilt"),
  beams: join(work, "beams.jsonl"),
  report: (name: string) => join(work, `eval-${name}.json`),
  log: (name: string) => join(work, `${name}.log`),
});

export type WorkPaths = ReturnType<typeof workPaths>;
