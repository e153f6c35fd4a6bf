// The examples of README and of the documents for users run as they are printed, on the oldest Node and on both newer lines: each in a folder of its own
// that has the files of which README speaks, with the packed package installed as README says. Tiny models of random
// weights stand for the Hub's, and one picture for all pictures of other hosts.
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fixture } from "./support/goldens.ts";
import { installNode, nodeLines } from "./support/other-nodes.ts";
import { commandsOf, documentBlocks, namesOf, type Block } from "./support/readme-blocks.ts";
import { serveTinyHub, type TinyHub } from "./support/tiny-hub.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../../", import.meta.url));
const packageFolder = join(root, "packages/blip");

const hubModels = {
  "Salesforce/blip-itm-base-flickr": "match",
  "Salesforce/blip-itm-base-coco": "match",
  "Salesforce/blip-image-captioning-base": "caption",
  "Salesforce/blip-vqa-base": "vqa",
};

/** Folders stand for the files: by itself, a file of other sizes than Salesforce's does not say its heads. */
const localModels = {
  "model_base_nlvr.pth": "nlvr-original",
  "model_base_caption_capfilt_large.pth": "caption",
};

const pictures = ["demo", "beach", "street", "left", "right", "photos/one", "photos/two", "more/three"];

/** What becomes of a command: nothing, or it is run, perhaps in another form, and ends with an exit code. */
interface Otherwise {
  readonly why: string;
  readonly run: ((command: string) => string) | undefined;
  readonly code?: number;
}

/** Runs a command as it is printed. */
const asPrinted = (command: string) => command;

/** All commands that are not simply run as they are printed, by how they begin. */
const otherwise: Readonly<Record<string, Otherwise>> = {
  "npm ci && npx tsx examples/01-scenes.ts": {
    why: "`npm ci` has run: it made what runs this test; the program is in the repository",
    run: (command) => command.replace("npm ci", `cd ${root}`),
  },
  "npm pack --workspace blip-ts": {
    why: "it has run before all tests",
    run: undefined,
  },
  "npm i --ignore-scripts ./blip-ts-": {
    why: "it has run before all tests, with the packed package",
    run: undefined,
  },
  "npm i ./blip-ts-0.1.0.tgz onnxruntime-web@": {
    why: "it is a page's; the version is compared with package.json's",
    run: undefined,
  },
  "npx blip-ts verify": { why: "weights are random: every sample differs", run: asPrinted, code: 1 },
  "cp new.safetensors": {
    why: "it prints nothing, and any file does",
    run: (command) => `mkdir model && echo new > new.safetensors && ${command} && ls model`,
  },
  "mv model/model.safetensors.new": {
    why: "it prints nothing",
    run: (command) => `${command} && cat model/model.safetensors`,
  },
  "npx blip-ts bench": { why: "all rows take minutes", run: (command) => `${command} --row image-fp32` },
};

const otherwiseOf = (command: string): Otherwise | undefined =>
  Object.entries(otherwise).find(([begin]) => command.startsWith(begin))?.[1];

/** How each kind of block is tested. */
const kinds: Readonly<Record<string, string>> = {
  ts: "run as JavaScript, run as TypeScript where Node does that, and type-checked",
  sh: "run",
  js: "type-checked: it is a page's",
  "": "what a command prints: compared with that",
};

const blocks = await documentBlocks();
const blocksOfKind = (language: string) => blocks.filter((block) => block.language === language);
/** For tables of tests. */
const cases = (language: string) =>
  blocksOfKind(language).map((block) => ({
    title: `${block.document}, line ${block.line}: ${block.code.slice(0, block.code.indexOf("\n"))}`,
    block,
  }));

let folder: string;
let files: string;
let hub: TinyHub;

/** Without what `npm run` tells the programs that it starts. */
const plainEnvironment = () =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_|VITEST)/i.test(name)));

async function installPackage(): Promise<void> {
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", folder], {
    cwd: packageFolder,
  });
  const [packed] = JSON.parse(stdout.slice(stdout.indexOf("["))) as { filename: string }[];
  await writeFile(join(folder, "package.json"), '{ "private": true }\n');
  const [command = ""] = blocksOfKind("sh").flatMap(({ code }) =>
    commandsOf(code).filter((one) => one.startsWith("npm i --ignore-scripts ./blip-ts-")),
  );
  const place = join(folder, packed?.filename ?? "");
  await run("bash", ["-c", command.replace(/\.\/blip-ts-\S+/, `--no-audit --no-fund ${place}`)], {
    cwd: folder,
    env: plainEnvironment(),
  });
}

async function layOut(): Promise<void> {
  await cp(join(root, "examples/scenes"), join(files, "examples/scenes"), { recursive: true });
  await mkdir(join(files, "photos"));
  await mkdir(join(files, "more"));
  for (const [index, name] of pictures.entries())
    await sharp(join(root, `examples/scenes/0${index + 1}.png`))
      .jpeg()
      .toFile(join(files, `${name}.jpg`));
  for (const [name, model] of Object.entries(localModels))
    await cp(fixture(`tiny/${model}`), join(files, name), { recursive: true });
  await writeFile(join(files, "answers.txt"), "one\ntwo\nnone\n");
  await writeFile(join(files, "captions.txt"), "a dog on a beach\na small sheep on a purple background\n");
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "blip-readme-"));
  files = join(folder, "files");
  await mkdir(files);
  await layOut();
  hub = await serveTinyHub(hubModels, await readFile(join(root, "examples/scenes/09.png")));
  await installPackage();
}, 600_000);
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** A folder with the files of which README speaks. */
async function place(): Promise<string> {
  const made = await mkdtemp(join(folder, "work-"));
  await cp(files, made, { recursive: true });
  return made;
}

/** Everything by keys, so that nothing inside of a row is overlooked. */
function* entriesOf(value: unknown): Generator<readonly [key: string, value: unknown]> {
  if (typeof value !== "object" || value === null) return;
  for (const entry of Object.entries(value)) {
    yield entry;
    yield* entriesOf(entry[1]);
  }
}

/** An output is as printed, where `...` stands for left-out lines. */
function expectPrinted(output: string, printed: string): void {
  const parts = printed.split(/^\.\.\.\n/m);
  let rest = output;
  for (const [index, part] of parts.entries()) {
    expect(rest).toContain(part);
    if (index === 0) expect(rest.startsWith(part)).toBe(true);
    rest = rest.slice(rest.indexOf(part) + part.length);
  }
  expect(rest).toBe("");
}

/** Rows say no error, and their scores are numbers. */
function expectGoodRows(value: unknown): void {
  for (const [key, found] of entriesOf(value)) {
    expect(key).not.toBe("error");
    if (/^(probability|cosine|score|logProbability|label)$/.test(key))
      expect([key, found]).not.toEqual([key, null]);
  }
}

/** What is said of a program's own values: rows as they are, and nothing of models. */
const telling = (names: readonly string[]) => `
const plain = (value) => value === null || typeof value !== "object" || Array.isArray(value) ||
  ArrayBuffer.isView(value) || Object.getPrototypeOf(value) === Object.prototype;
const said = (value) => (typeof value === "bigint" ? Number(value) : plain(value) ? value : undefined);
console.log(JSON.stringify({ ${names.join(", ")} }, (_key, value) => said(value)));
`;

describe.each(nodeLines)("on Node %s", (line) => {
  let programs: string | undefined;
  let cache: string;
  beforeAll(async () => {
    cache = await mkdtemp(join(folder, "cache-"));
    programs = await installNode(folder, line);
  }, 200_000);

  const missing = `Node ${line} cannot be installed here`;
  const environment = () => ({
    ...plainEnvironment(),
    PATH: [programs ?? "", process.env.PATH ?? ""].join(delimiter),
    ...{ HF_HOME: cache, HF_ENDPOINT: hub.origin, BLIP_TEST_HOSTS: hub.origin },
    NODE_OPTIONS: `--import=${pathToFileURL(join(packageFolder, "test/support/local-hosts.mjs")).href}`,
  });

  async function runProgram({ code }: Block, extension: "mjs" | "mts"): Promise<void> {
    const cwd = await place();
    await writeFile(join(cwd, `block.${extension}`), code + telling(namesOf(code)));
    const { stdout } = await run("node", [`block.${extension}`], {
      cwd,
      env: environment(),
      timeout: 200_000,
    });
    const found = JSON.parse(stdout) as Record<string, unknown>;
    for (const [name, value] of Object.entries(found))
      if (Array.isArray(value)) expect(value, name).not.toEqual([]);
    expectGoodRows(found);
  }

  test.for(cases("ts"))("JavaScript, $title", async ({ block }, { skip }) => {
    if (programs === undefined) return skip(missing);
    await runProgram(block, "mjs");
  });

  test.for(line === "24" ? cases("ts") : [])("TypeScript, $title", async ({ block }, { skip }) => {
    if (programs === undefined) return skip(missing);
    await runProgram(block, "mts");
  });

  test.for(cases("sh"))("commands, $title", async ({ block }, { skip }) => {
    if (programs === undefined) return skip(missing);
    const commands = commandsOf(block.code);
    const reasons = commands.flatMap((one) => otherwiseOf(one) ?? []).filter((one) => !one.run);
    if (reasons.length === commands.length) return skip(reasons.map(({ why }) => why).join("; "));
    const cwd = await place();
    for (const command of commands) {
      const { run: form, code = 0 } = otherwiseOf(command) ?? { run: asPrinted };
      if (!form) continue;
      const found = await runCommand(form(command), cwd);
      expect(found, command).toMatchObject({ code });
      expect(found.stdout + found.stderr, command).not.toBe("");
      expect(found.stdout, command).not.toMatch(/"error"|NaN|undefined/);
      const printed = blocks[blocks.indexOf(block) + 1];
      if (printed?.language === "") expectPrinted(found.stdout, printed.code);
    }
  });

  /** As a shell runs it. */
  const runCommand = (command: string, cwd: string) =>
    run("bash", ["-o", "pipefail", "-c", command], { cwd, env: environment(), timeout: 200_000 }).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      (error: unknown) => error as { code: number; stdout: string; stderr: string },
    );
});

test("no other host is asked for a picture than those of README and of published samples", () => {
  const expected = ["example.com", "raw.githubusercontent.com", "storage.googleapis.com"];
  expect([...hub.hosts].filter((host) => !expected.includes(host))).toEqual([]);
});

describe("types", () => {
  const compile = async (config: object, sources: Readonly<Record<string, string>>): Promise<void> => {
    const cwd = await place();
    for (const [name, code] of Object.entries(sources)) await writeFile(join(cwd, name), code);
    await writeFile(
      join(cwd, "tsconfig.json"),
      JSON.stringify({
        compilerOptions: { noEmit: true, target: "es2022", ...config },
        files: Object.keys(sources),
      }),
    );
    await run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", cwd]).catch(
      (error: unknown) => {
        throw new Error((error as { stdout: string }).stdout);
      },
    );
  };

  test("programs compile with the strictest settings, ES2022's library and Node's types", async () => {
    const programs = blocksOfKind("ts");
    expect(programs.length).toBeGreaterThan(10);
    const strict = { strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true };
    const node = { types: ["node"], typeRoots: [join(root, "node_modules/@types")] };
    await compile(
      { ...strict, ...node, lib: ["es2022"], module: "nodenext" },
      Object.fromEntries(
        programs.map(({ code, document, line }) => [`${document.replaceAll(/\W/g, "-")}-${line}.mts`, code]),
      ),
    );
  });

  test("the page's program compiles with a browser's types", async () => {
    const [page, ...more] = blocksOfKind("js");
    expect(more).toEqual([]);
    await compile(
      {
        ...{ allowJs: true, checkJs: true, strict: false, types: [], lib: ["es2022", "dom"] },
        ...{ module: "esnext", moduleResolution: "bundler", customConditions: ["browser"] },
      },
      {
        "page.mjs": page?.code ?? "",
        "given.d.ts": "declare const input: HTMLInputElement; declare const canvas: HTMLCanvasElement;",
      },
    );
  });
});

describe("nothing is left out", () => {
  test("every block is of a kind that is known, and every kind is there", () => {
    expect(new Set(blocks.map(({ language }) => language))).toEqual(new Set(Object.keys(kinds)));
  });

  test("commands have the package's own name: outside of a project, another package is called blip", () => {
    const commands = blocksOfKind("sh").flatMap(({ code }) => commandsOf(code));
    expect(commands.filter((one) => /(?:^|\| |npx )blip(?!-ts)\b/.test(one))).toEqual([]);
  });

  test("every reason not to run a command as it is printed has its command", () => {
    const commands = blocksOfKind("sh").flatMap(({ code }) => commandsOf(code));
    const unused = Object.keys(otherwise).filter((begin) => !commands.some((one) => one.startsWith(begin)));
    expect(unused).toEqual([]);
  });

  test("a page's engine is the one that package.json asks for", async () => {
    const { peerDependencies } = JSON.parse(await readFile(join(packageFolder, "package.json"), "utf8")) as {
      peerDependencies: Readonly<Record<string, string>>;
    };
    const commands = blocksOfKind("sh").flatMap(({ code }) => commandsOf(code));
    expect(commands).toContain(
      `npm i ./blip-ts-0.1.0.tgz onnxruntime-web@${peerDependencies["onnxruntime-web"] ?? ""}`,
    );
  });
});
