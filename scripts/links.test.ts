// The documents' links lead to existing files and headings; a link to a line leads to its text. Documents in the
// package link only to files in the package.
import { readdir, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../", import.meta.url));

interface Link {
  readonly document: string;
  readonly text: string;
  readonly path: string;
  /** The text after `#`. */
  readonly anchor: string | undefined;
}

/** Links to files of the repository and within a document, without links to other servers. */
function linksOf(document: string, markdown: string): Link[] {
  return [...markdown.matchAll(/\[([^\]]+)\]\(([^()\s#]*)(?:#([\w-]+))?\)/g)].flatMap(
    ([, text = "", path = "", anchor]) =>
      /^[a-z]+:/.test(path)
        ? []
        : [{ document, text, anchor, path: path === "" ? document : join(dirname(document), path) }],
  );
}

/** The anchors of a document's headings, in GitHub's and npm's form. */
const anchorsOf = (markdown: string): ReadonlySet<string> =>
  new Set(
    [...markdown.replaceAll(/^```.*?^```$/gms, "").matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w\s-]/g, "")
        .trim()
        .replaceAll(/\s/g, "-"),
    ),
  );

const documents = [
  ...["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "FEATURES.md", "SECURITY.md"],
  ...(await readdir(join(root, "docs"))).filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`),
];
const links = (
  await Promise.all(documents.map(async (name) => linksOf(name, await readFile(join(root, name), "utf8"))))
).flat();

const letters = (text: string) => text.toLowerCase().replace(/[^a-z]/g, "");

/** @returns the mistake in a link; undefined if it is correct */
async function fault({ document, text, path, anchor }: Link): Promise<string | undefined> {
  const there = await stat(join(root, path)).catch(() => undefined);
  if (!there) return `${document}: [${text}] leads to ${path}, which is not there`;
  if (anchor === undefined) return undefined;
  const content = await readFile(join(root, path), "utf8");
  const [, line] = /^L(\d+)$/.exec(anchor) ?? [];
  if (line === undefined)
    return anchorsOf(content).has(anchor)
      ? undefined
      : `${document}: [${text}] leads to #${anchor} of ${path}, which has no such heading`;
  const found = content.split("\n")[Number(line) - 1];
  if (found !== undefined && letters(found).includes(letters(text))) return undefined;
  return `${document}: [${text}] leads to line ${line} of ${path}, which says: ${String(found?.trim())}`;
}

/** Whether the published package contains a path. */
const travels = (path: string) =>
  path.startsWith("docs/") ||
  ["README.md", "CHANGELOG.md", "LICENSE", "SECURITY.md", "THIRD-PARTY.md"].includes(path);
const withoutLinks = (markdown: string): string => markdown.replace(/\[[^\]]+\]\([^)]+\)/g, "");

const benchTests = async () => (await readdir(join(root, "bench"))).map((name) => `/bench/${name}`);

describe("links of the documents", () => {
  test("lead to files, and to lines that have their words", async () => {
    expect(links.length).toBeGreaterThan(50);
    expect(links.filter(({ anchor }) => /^L\d/.test(anchor ?? "")).length).toBeGreaterThan(0);
    expect(links.filter(({ anchor }) => /^[a-z]/.test(anchor ?? "")).length).toBeGreaterThan(5);
    const faults = await Promise.all(links.map(fault));
    expect(faults.filter((text) => text !== undefined)).toEqual([]);
  });

  test("lead to files of the package, from documents in the package", () => {
    const astray = links.filter(({ document, path }) => travels(document) && !travels(path));
    expect(astray.map(({ document, path }) => `${document}: ${path}`)).toEqual([]);
  });

  test("name existing tests, in the table of features", async () => {
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
    const [wrong, other, heading] = linksOf(
      "docs/x.md",
      "[a](nowhere.md) [crossAttention](../package.json#L1) [b](README.md#no-such-heading)",
    );
    expect(await fault(wrong ?? expect.fail("no link"))).toContain("docs/nowhere.md, which is not there");
    expect(await fault(other ?? expect.fail("no link"))).toContain("line 1 of package.json, which says: {");
    expect(await fault(heading ?? expect.fail("no link"))).toContain("has no such heading");
  });
});
