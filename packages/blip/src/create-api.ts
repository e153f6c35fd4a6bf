// Creates the API of a platform: the classes and the functions. `node.ts` and `web.ts` call `createApi` and add
// platform-specific functions.
import { badOption, expectOptions, schema } from "@blip-ts/base";
import { createClasses } from "./create-classes.ts";
import { createVerbs } from "./create-verbs.ts";
import { type ModelOptions, modelOptionNames } from "./load/model-options.ts";
import { expectCall, expectGiven, expectText } from "./expect-call.ts";
import type { Platform } from "./platform.ts";
import {
  convert as convertOn,
  type Conversion,
  type ConvertOptions,
  convertOptionNames,
} from "./tools/convert.ts";
import {
  exportOnnx as exportOnnxOn,
  type ExportDescription,
  type ExportOptions,
  exportOptionNames,
} from "./tools/export/export-onnx.ts";
import { inspect as inspectOn, printTask as printTaskOn, type Inspection } from "./tools/inspect.ts";
import {
  makeSuite as makeSuiteOn,
  type MakeSuiteOptions,
  type SuiteConversion,
  type SuitePart,
  makeSuiteOptionNames,
} from "./tools/make-suite.ts";
import { quantize as quantizeOn, type QuantizeOptions, quantizeOptionNames } from "./tools/quantize.ts";
import {
  verify as verifyOn,
  type VerifyOptions,
  type VerifyRow,
  verifyOptionNames,
} from "./tools/verify/verify.ts";
import {
  verifyAll as verifyAllOn,
  type VerifyAllOptions,
  type VerifyReport,
  verifyAllOptionNames,
} from "./tools/verify/verify-all.ts";

/** Creates the functions that describe models' files. */
function createInspections(platform: Platform<never>) {
  /** Describes a model's files without reading weights. @throws {ModelError} if the files cannot be found or read */
  const inspect = async (source: string, options?: ModelOptions): Promise<Inspection> => {
    expectCall("inspect", source, options, modelOptionNames);
    return inspectOn(platform, source, options);
  };

  /** Prints the graphs that a task runs. */
  const printTask = async (source: string, task: string, options?: ModelOptions): Promise<string> => {
    expectCall("printTask", source, options, modelOptionNames);
    return printTaskOn(platform, source, task, options);
  };

  return { inspect, printTask };
}

/** Creates the functions that write models' files. */
function createConversions(platform: Platform<never>) {
  /**
   * Converts any checkpoint to a Hugging Face folder that does not exist yet: names, config, processor. Numbers are
   * unchanged.
   * @throws {ModelError} if the model cannot be used @throws {UsageError} `save/...`
   */
  const convert = async (source: string, folder: string, options?: ConvertOptions): Promise<Conversion> => {
    expectCall("convert", source, options, convertOptionNames);
    expectText("folder", folder);
    return convertOn(platform, source, folder, options);
  };

  /**
   * Creates a suite: models of several tasks in one folder that does not exist yet. Each class and command loads the
   * part for its task.
   * @param parts `[{ task: "match", model: "DIR" }, { task: "ask", model: "DIR" }]`; their image encoders must be equal
   * @throws {ModelError} `suite/different-encoders`, and if a model cannot be used
   * @throws {UsageError} `suite/bad-parts`, `usage/bad-option`, `save/...`
   */
  const makeSuite = async (
    parts: readonly SuitePart[],
    folder: string,
    options?: MakeSuiteOptions,
  ): Promise<SuiteConversion> => {
    expectOptions("makeSuite", options, makeSuiteOptionNames);
    if (!Array.isArray(parts)) throw badOption("parts", schema.shownValue(parts), ["a list of parts"]);
    expectText("folder", folder);
    return makeSuiteOn(platform, parts, folder, options);
  };

  /**
   * Exports a task's graphs as ONNX files to a folder that does not exist yet, with an `export.json` that describes how
   * to run them.
   * @throws {ModelError} if the model cannot be used
   * @throws {UsageError} `usage/unknown-task`, `export/...`, `save/...`
   */
  const exportOnnx = async (
    source: string,
    folder: string,
    options: ExportOptions,
  ): Promise<ExportDescription> => {
    expectCall("exportOnnx", source, options, exportOptionNames);
    expectText("folder", folder);
    return exportOnnxOn(platform, source, folder, expectGiven("exportOnnx", options));
  };

  /**
   * Writes a folder with half-precision or 8-bit weights, which every task runs without further options.
   * @throws {ModelError} if the model cannot be used @throws {UsageError} `save/...`
   */
  const quantize = async (source: string, folder: string, options: QuantizeOptions): Promise<Conversion> => {
    expectCall("quantize", source, options, quantizeOptionNames);
    expectText("folder", folder);
    return quantizeOn(platform, source, folder, expectGiven("quantize", options));
  };

  return { convert, makeSuite, exportOnnx, quantize };
}

/** Creates the functions that check models. @param imageInput converts a path or URL to an image input */
function createChecks<ImageInput>(
  platform: Platform<ImageInput>,
  imageInput: (pathOrUrl: string) => ImageInput,
) {
  /**
   * Checks a Salesforce model against its published samples. Yields expected value, actual value and verdict. For
   * any other model, runs the checks that are possible.
   * @throws {UsageError} `verify/no-samples` @throws {ModelError} if the model cannot be found or read
   */
  const verify = (source: string, options?: VerifyOptions): AsyncGenerator<VerifyRow, void, undefined> => {
    expectCall("verify", source, options, verifyOptionNames);
    return verifyOn(platform, source, imageInput, options);
  };

  /** Checks all published models in one report, and whether blip-itm-base-flickr has 8 or 12 text heads. */
  const verifyAll = async (options?: VerifyAllOptions): Promise<VerifyReport> => {
    expectOptions("verifyAll", options, verifyAllOptionNames);
    return verifyAllOn(platform, imageInput, options);
  };

  return { verify, verifyAll };
}

/**
 * Creates the classes and functions of a platform with images of type `ImageInput`.
 * @param imageInput converts a path or URL to an image input
 */
export function createApi<ImageInput>(
  platform: Platform<ImageInput>,
  imageInput: (pathOrUrl: string) => ImageInput,
) {
  const classes = createClasses(platform);
  return {
    ...classes,
    ...createVerbs(classes),
    ...createInspections(platform),
    ...createConversions(platform),
    ...createChecks(platform, imageInput),
  };
}
