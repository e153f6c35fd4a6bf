// PEFT's tensor names, built on transformers' module names, which this package's graphs also use.

/** The common prefix of all names in an adapter's file. */
export const prefix = "base_model.model.";

/** The path of the module that has a weight; undefined for other tensors. */
export const moduleOf = (weight: string): string | undefined => /^(.+)\.weight$/.exec(weight)?.[1];

/** The matrices of a module's update: A [r, in] and B [out, r]. */
export const matricesOf = (module: string): { readonly down: string; readonly up: string } => ({
  down: `${module}.lora_A.weight`,
  up: `${module}.lora_B.weight`,
});

/** Whether a module path ends with a name, as in PEFT's `target_modules`. */
export const endsWithName = (path: string, name: string): boolean =>
  path === name || path.endsWith(`.${name}`);

/** Whether a weight is in a module that is trained completely, as in PEFT's `modules_to_save`. */
export function isWithin(weight: string, modules: readonly string[]): boolean {
  const parts = weight.split(".");
  // The last part is the parameter's own name.
  return parts.slice(0, -1).some((_, end) => {
    const path = parts.slice(0, end + 1).join(".");
    return modules.some((name) => path.endsWith(name));
  });
}
