// PEFT's names of tensors over transformers' names of modules, which are also the names of this package's graphs.

/** What all names of an adapter's file begin with. */
export const prefix = "base_model.model.";

/** The path of a module, of its weight's name; undefined for another tensor. */
export const moduleOf = (weight: string): string | undefined => /^(.+)\.weight$/.exec(weight)?.[1];

/** The matrices of a module's update: A [r, in] and B [out, r]. */
export const matricesOf = (module: string): { readonly down: string; readonly up: string } => ({
  down: `${module}.lora_A.weight`,
  up: `${module}.lora_B.weight`,
});

/** Does a path of modules end with a name, as PEFT's `target_modules` mean it? */
export const endsWithName = (path: string, name: string): boolean =>
  path === name || path.endsWith(`.${name}`);

/** Is a weight in one of the modules that are trained whole, as PEFT's `modules_to_save` mean it? */
export function isWithin(weight: string, modules: readonly string[]): boolean {
  const parts = weight.split(".");
  // The last part is the parameter's own name.
  return parts.slice(0, -1).some((_, end) => {
    const path = parts.slice(0, end + 1).join(".");
    return modules.some((name) => path.endsWith(name));
  });
}
