// Writes metrics.jsonl, with one row per step, per epoch, and per validation between steps, and draws curves.svg from
// it. A resumed run first removes the rows after its state.
import type { TrainingFiles } from "../checkpoint/files.ts";
import { curvesOf } from "../curves/index.ts";

interface Row {
  readonly step: number;
  /** The epoch that ended, in an epoch's row. */
  readonly ended?: number;
  /** The number of completed steps, in the row of a validation between steps. */
  readonly validated?: number;
}

/** A state's position in the log: completed steps and epochs, and the steps completed at its last validation. */
export interface Logged {
  readonly steps: number;
  readonly epochs: number;
  readonly validated: number;
}

function rowOf(line: string): Row | undefined {
  try {
    const row: unknown = JSON.parse(line);
    return typeof row === "object" && row !== null && "step" in row ? (row as Row) : undefined;
  } catch {
    // An interrupted process may leave a partial line.
    return undefined;
  }
}

export class MetricsLog {
  readonly #files: TrainingFiles;
  readonly #path: string;
  readonly #curves: string;

  constructor(files: TrainingFiles, out: string) {
    this.#files = files;
    this.#path = `${out}/metrics.jsonl`;
    this.#curves = `${out}/curves.svg`;
  }

  /** Keeps only the rows up to the state. */
  async keep({ steps, epochs, validated }: Logged): Promise<void> {
    const text = await this.#files.readText(this.#path);
    const lines = (text ?? "").split("\n").filter((line) => {
      const row = rowOf(line);
      return (
        row !== undefined &&
        row.step < steps &&
        (row.ended === undefined || row.ended < epochs) &&
        (row.validated === undefined || row.validated <= validated)
      );
    });
    await this.#files.replaceText(this.#path, lines.map((line) => `${line}\n`).join(""));
  }

  add(row: Row & Readonly<Record<string, unknown>>): Promise<void> {
    return this.#files.appendText(this.#path, `${JSON.stringify(row)}\n`);
  }

  /** Redraws curves.svg. The file is replaced atomically. */
  async draw(): Promise<void> {
    await this.#files.replaceText(this.#curves, curvesOf((await this.#files.readText(this.#path)) ?? ""));
  }
}
