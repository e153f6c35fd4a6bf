// Finds the icon of each set for a concept. Four sets map emoji to icons (chars.json). For the other sets, the
// candidates are those sets' names, the slug of CLDR's label, and both without dashes.
import { isStyle, namesPackage, packageOf, styles, type Style } from "./packages.ts";
import { readJson } from "./fetch.ts";
import { artDamaged } from "../errors.ts";
import type { Concept } from "../words/concepts.ts";

/** A set's icons: the bodies of SVG files, and the sizes of their canvases. */
export interface IconSet {
  readonly style: Style;
  /** The SVG file of an icon, by name or alias. */
  svg(name: string): string | undefined;
  /** Code points in hexadecimal, joined by dashes -> name. */
  readonly byCode: ReadonlyMap<string, string>;
}

type Json = Readonly<Record<string, unknown>>;

const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null;
const jsonOf = (value: unknown): Json => (isJson(value) ? value : {});
const sizeOf = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined);

function svgOf(set: Json, icon: Json): string | undefined {
  if (typeof icon.body !== "string") return undefined;
  const width = sizeOf(icon.width) ?? sizeOf(set.width) ?? 16;
  const height = sizeOf(icon.height) ?? sizeOf(set.height) ?? 16;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" ` +
    `viewBox="0 0 ${width} ${height}" width="SIDE" height="SIDE">${icon.body}</svg>`
  );
}

/** @throws {WorldError} `world/art-missing`, `world/art-damaged` */
export async function readSet(style: Style): Promise<IconSet> {
  const [icons, chars] = await readJson(packageOf(style), ["icons.json", "chars.json"]);
  const set = jsonOf(icons);
  const [own, aliases] = [jsonOf(set.icons), jsonOf(set.aliases)];
  const codes = Object.entries(jsonOf(chars)).flatMap(([code, name]) =>
    typeof name === "string" ? [[code, name] as const] : [],
  );
  return {
    style,
    byCode: new Map(codes),
    svg(name) {
      const parent = jsonOf(aliases[name]).parent;
      const icon = own[name] ?? (typeof parent === "string" ? own[parent] : undefined);
      return isJson(icon) ? svgOf(set, icon) : undefined;
    },
  };
}

/** "woman's hat" -> "womans-hat" */
export const slug = (label: string): string =>
  label
    .toLowerCase()
    .normalize("NFKD")
    .replace(/[\u0300-\u036f’'.:,!()“”]/g, "")
    .replace(/&/g, "and")
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");

/** CLDR's label -> the emoji's code points. */
export type Codes = ReadonlyMap<string, string>;

function labelled(list: unknown): (readonly [label: string, code: string])[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry: unknown) => {
    const { label, hexcode } = jsonOf(entry);
    return typeof label === "string" && typeof hexcode === "string"
      ? [[label.toLowerCase(), hexcode.toLowerCase()] as const]
      : [];
  });
}

/** Reads the English labels, and other languages' labels by code points. */
export async function readNames(languages: readonly string[]): Promise<{
  readonly codes: Codes;
  readonly labels: Readonly<Record<string, ReadonlyMap<string, string>>>;
}> {
  const files = ["en", ...languages].map((language) => `${language}/data.json`);
  const [english, ...others] = await readJson(namesPackage, files);
  const labels = languages.map((language, index) => {
    const list = labelled(others[index]);
    if (list.length === 0) throw artDamaged(namesPackage.name, `${language}/data.json`, "no such file");
    return [language, new Map(list.map(([label, code]) => [code, label]))] as const;
  });
  return { codes: new Map(labelled(english)), labels: Object.fromEntries(labels) };
}

/** The names that an emoji may have in a set, most reliable first. */
function namesOf(label: string, code: string, sets: readonly IconSet[], own: IconSet): string[] {
  const codes = [code, code.replaceAll("-fe0f", "")];
  const named = [own, ...sets].flatMap((set) => codes.flatMap((one) => set.byCode.get(one) ?? []));
  const names = [...named, slug(label)];
  return [...names, ...names.map((name) => name.replaceAll("-", ""))];
}

export interface Icon {
  readonly concept: Concept;
  readonly style: Style;
  readonly name: string;
  readonly svg: string;
}

/** All icons of some concepts, by style and then by concept, without duplicates. */
export function iconsOf(wanted: readonly Concept[], codes: Codes, sets: readonly IconSet[]): Icon[] {
  const icons: Icon[] = [];
  for (const set of sets) {
    for (const concept of wanted) {
      const seen = new Set<string>();
      for (const label of concept.labels) {
        const code = codes.get(label.toLowerCase());
        if (code === undefined) throw artDamaged(namesPackage.name, `the label "${label}"`, "no such label");
        const name = namesOf(label, code, sets, set).find((candidate) => set.svg(candidate) !== undefined);
        const svg = name === undefined ? undefined : set.svg(name);
        if (name === undefined || svg === undefined || seen.has(svg)) continue;
        seen.add(svg);
        icons.push({ concept, style: set.style, name, svg });
      }
    }
  }
  return icons;
}

/** Reads all sets, in the order of `styles`. */
export const readSets = (): Promise<readonly IconSet[]> => Promise.all(styles.filter(isStyle).map(readSet));
