// metrics.jsonl: a row per step, per epoch, and per validation between steps; and curves.svg, which is drawn of them. A run
// that goes on first takes out what came after its state.
import type { TrainingFiles } from "../checkpoint/files.ts";
import { curvesOf } from "../curves/index.ts";

interface Row {
  readonly step: number;
  /** The epoch that ended, in the row of an epoch. */
  readonly ended?: number;
  /** The steps that were made, in the row of a validation between steps. */
  readonly validated?: number;
}

/** What a state knows of the rows: steps and epochs that are done, and the steps at its last validation. */
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
    // A line that a process that ended left half written.
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

  /** Keeps the rows that the state knows of. */
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

  /** Draws curves.svg anew, whole or not at all. */
  async draw(): Promise<void> {
    await this.#files.replaceText(this.#curves, curvesOf((await this.#files.readText(this.#path)) ?? ""));
  }
}
