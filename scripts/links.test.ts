// The documents' links lead to files that are there; one that names a line leads to what its text says.
import { readdir, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../", import.meta.url));

interface Link {
  readonly document: string;
  readonly text: string;
  readonly path: string;
  readonly line: number | undefined;
}

/** Links to files of the repository; those of other servers and of the same page are left out. */
function linksOf(document: string, markdown: string): Link[] {
  return [...markdown.matchAll(/\[([^\]]+)\]\(([^()\s#]+)(?:#L(\d+))?(?:#[\w-]+)?\)/g)].flatMap(
    ([, text = "", path = "", line]) =>
      /^[a-z]+:/.test(path)
        ? []
        : [{ document, text, path: join(dirname(document), path), line: line ? Number(line) : undefined }],
  );
}

const documents = [
  ...["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "FEATURES.md", "SECURITY.md"],
  ...(await readdir(join(root, "docs"))).filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`),
];
const links = (
  await Promise.all(documents.map(async (name) => linksOf(name, await readFile(join(root, name), "utf8"))))
).flat();

const letters = (text: string) => text.toLowerCase().replace(/[^a-z]/g, "");

/** @returns what is wrong with a link, if anything is */
async function fault({ document, text, path, line }: Link): Promise<string | undefined> {
  const there = await stat(join(root, path)).catch(() => undefined);
  if (!there) return `${document}: [${text}] leads to ${path}, which is not there`;
  if (line === undefined) return undefined;
  const found = (await readFile(join(root, path), "utf8")).split("\n")[line - 1];
  if (found !== undefined && letters(found).includes(letters(text))) return undefined;
  return `${document}: [${text}] leads to line ${line} of ${path}, which says: ${String(found?.trim())}`;
}

const withoutLinks = (markdown: string): string => markdown.replace(/\[[^\]]+\]\([^)]+\)/g, "");

const benchTests = async () => (await readdir(join(root, "bench"))).map((name) => `/bench/${name}`);

describe("links of the documents", () => {
  test("lead to files, and to lines that have their words", async () => {
    expect(links.length).toBeGreaterThan(50);
    expect(links.filter(({ line }) => line !== undefined).length).toBeGreaterThan(1);
    const faults = await Promise.all(links.map(fault));
    expect(faults.filter((text) => text !== undefined)).toEqual([]);
  });

  test("name tests that are there, in the table of features", async () => {
    const named = (await readFile(join(root, "FEATURES.md"), "utf8")).match(/[\w./-]+\.test\.ts/g) ?? [];
    expect(named.length).toBeGreaterThan(50);
    const testsIn = async (folder: string) =>
      (await readdir(join(root, folder), { recursive: true }))
        .filter((path) => path.endsWith(".test.ts"))
        .map((path) => `/${folder}/${path}`);
    const all = [
      ...(await testsIn("packages")),
      ...(await testsIn("train")),
      ...(await testsIn("scripts")),
      ...(await benchTests()),
    ];
    expect(named.filter((name) => !all.some((path) => path.endsWith(`/${name}`)))).toEqual([]);
  });

  test("lead from each cell of the table of features to its tests", async () => {
    const unlinked = withoutLinks(await readFile(join(root, "FEATURES.md"), "utf8"));
    expect(unlinked.match(/[\w./-]+\.test\.ts/g) ?? []).toEqual([]);
    expect(withoutLinks("| [a.test.ts](b/a.test.ts), c.test.ts |")).toBe("| , c.test.ts |");
  });

  test("that lead elsewhere are reported", async () => {
    const [wrong, other] = linksOf("docs/x.md", "[a](nowhere.md) [crossAttention](../package.json#L1)");
    expect(await fault(wrong ?? expect.fail("no link"))).toContain("docs/nowhere.md, which is not there");
    expect(await fault(other ?? expect.fail("no link"))).toContain("line 1 of package.json, which says: {");
  });
});
