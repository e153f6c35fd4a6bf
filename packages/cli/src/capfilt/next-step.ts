// Says what follows a run of `blip capfilt`: the command that trains on the kept pairs, ready to be pasted.
import { recipeNamed, type CapFiltReport } from "blip-ts/train";

/** A finished run. */
export interface FinishedRun {
  /** The name under which the user called the command. */
  readonly program: string;
  readonly out: string;
  readonly report: Pick<CapFiltReport, "format" | "imageRoot" | "pairs">;
  /** The model to train: the filter, whose image encoder and text encoder pre-training continues. */
  readonly model: string;
  readonly column?: readonly string[] | undefined;
  readonly allowOutside?: boolean | undefined;
}

/** The number of pairs up to which the recipe for few fits. */
const few = 1000;

/** Quotes a word for a shell, if it needs quotes. */
const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** How `train` reads the kept pairs: copied images need nothing, unchanged paths need the data's own options. */
function reading({ report, column = [], allowOutside = false }: FinishedRun, keptFolder: string): string[] {
  const { format, imageRoot } = report;
  if (format === "folder" || format === "webdataset") return [];
  return [
    ...column.flatMap((roleName) => ["--column", roleName]),
    // The folder is that of kept/ alone, so that other data can stand beside it.
    ...(imageRoot === null ? [] : ["--images", `${keptFolder}=${imageRoot}`]),
    ...(imageRoot !== null && allowOutside ? ["--allow-outside"] : []),
  ];
}

/** The recipe, with the length of an epoch if `train` cannot count it. */
function lengths({ format, imageRoot, pairs }: FinishedRun["report"]): string[] {
  const recipe = pairs < few ? "few" : "blip";
  const { batchSize } = recipeNamed("pretrain", recipe);
  const isStream = format === "webdataset" || (format === "parquet" && imageRoot === null);
  return [
    ...["--recipe", recipe],
    ...(pairs < batchSize ? ["--batch-size", String(pairs)] : []),
    ...(isStream ? ["--batches-per-epoch", String(Math.max(1, Math.floor(pairs / batchSize)))] : []),
  ];
}

/** The text after a run. With fewer than two pairs, it has no command: a pair needs another one as its negative. */
export function nextStep(run: FinishedRun): string {
  const { program, out, report, model } = run;
  const folder = out.replace(/(?<=.)[/\\]+$/, "");
  const kept = `${folder}/kept`;
  if (report.pairs < 2) return `Kept pairs in ${kept}: ${report.pairs}, too few to train on.`;
  const words = [
    ...["train", "pretrain", kept, ...reading(run, kept), "--model", model],
    ...[...lengths(report), "--out", `${folder}-model`],
  ];
  return `Kept pairs in ${kept}. Train on them:\n  ${program} ${words.map(quoted).join(" ")}`;
}
