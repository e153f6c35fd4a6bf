// User programs: folders with the package as npm publishes it, the files and commands from docs/browser.md, a page and
// a server.
import { execFile, spawn } from "node:child_process";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import sharp from "sharp";
import type { Browser } from "playwright-core";
import { blocksOf } from "./readme-blocks.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../../../", import.meta.url));

/** Packs the package into a folder. @returns the tarball's path */
export async function packTo(folder: string): Promise<string> {
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", folder], {
    cwd: join(root, "packages/blip"),
  });
  const [packed] = JSON.parse(stdout.slice(stdout.indexOf("["))) as { readonly filename: string }[];
  if (!packed) throw new Error("npm packed nothing");
  return join(folder, packed.filename);
}

export interface Recipe {
  /** Code by file name, which the block's first line gives in a comment. */
  readonly files: Readonly<Record<string, string>>;
  /** The lines of the shell blocks. */
  readonly commands: readonly string[];
}

/** The files and commands of a section of docs/browser.md. */
export async function recipeOf(section: string): Promise<Recipe> {
  const page = await readFile(join(root, "docs/browser.md"), "utf8");
  const [, text] = new RegExp(`^##+ ${section}\n(.*?)(?=^##|$(?![^]))`, "ms").exec(page) ?? [];
  if (text === undefined) throw new Error(`docs/browser.md has no section "${section}"`);
  const blocks = blocksOf(text);
  const files = blocks
    .filter(({ language }) => language === "js" || language === "html")
    .map(({ code }): [string, string] => {
      const [, name = ""] = /^(?:\/\/|<!--) (\S+)/.exec(code) ?? [];
      return [name, code];
    });
  return {
    files: Object.fromEntries(files),
    commands: blocks
      .filter(({ language }) => language === "sh")
      .flatMap(({ code }) => code.trim().split("\n")),
  };
}

const text = "a lemon to the right of a light bulb in a forest";

/** A page's program: a small image, and one that is large enough to be decoded in a worker. */
const pageProgram = (first: string) => `${first}import { match } from "blip-ts";

match(["scene.png", "large.jpg"], ["${text}"]).then(
  (rows) => { globalThis.found = rows.map((row) => row.error?.message ?? row.probability); },
  (error) => { globalThis.found = String(error); },
);
`;

const serverProgram = `import { createServer } from "node:http";
import { match } from "blip-ts";

const server = createServer((request, response) => {
  match([new URL(request.url, "http://localhost").searchParams.get("image")], ["${text}"]).then(
    (rows) => response.end(JSON.stringify(rows)),
    (error) => response.writeHead(500).end(\`\${error.code} \${error.message}\`),
  );
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
`;

/** The Next.js pages, which are components. */
export const nextFiles: Readonly<Record<string, string>> = {
  "app/layout.js": `export default function Layout({ children }) {
  return <html lang="en"><body>{children}</body></html>;
}
`,
  // Like the README's program, it configures the file paths when its module loads, which also happens on the server.
  "app/page.js": `"use client";
import { useEffect } from "react";
import { configure, match } from "blip-ts";

configure({ wasmPaths: undefined });

export default function Page() {
  useEffect(() => {
    match(["scene.png", "large.jpg"], ["${text}"]).then(
      (rows) => { globalThis.found = rows.map((row) => row.error?.message ?? row.probability); },
      (error) => { globalThis.found = String(error); },
    );
  }, []);
  return <p>A page</p>;
}
`,
  "app/match/route.js": `import { match } from "blip-ts";

export const dynamic = "force-dynamic";

export async function GET(request) {
  const image = new URL(request.url).searchParams.get("image");
  try {
    return Response.json(await match([image], ["${text}"]));
  } catch (error) {
    return new Response(\`\${error.code} \${error.message}\`, { status: 500 });
  }
}
`,
};

export const scene = join(root, "examples/scenes/01.png");

/** Writes a program with a page, images and a server. The recipe's files replace files with the same name. */
export async function writeApp(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  const whole: Record<string, string> = {
    "package.json": '{ "private": true, "type": "module" }\n',
    "index.html": '<!doctype html><script type="module" src="page.js"></script>\n',
    // Vite serves its own index.html; this one, in public/, is the one above.
    ...(!("vite.config.js" in files) && {
      "public/index.html": '<!doctype html><script type="module" src="page.js"></script>\n',
    }),
    "page.js": pageProgram("where-files-are.js" in files ? 'import "./where-files-are.js";\n' : ""),
    "server.js": serverProgram,
    ...files,
  };
  for (const [name, content] of Object.entries(whole)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  await cp(scene, join(folder, "public/scene.png"));
  // Nine megapixels in few bytes. A page decodes images in a worker from eight megapixels on.
  await sharp(scene).resize(3000, 3000).jpeg({ quality: 60 }).toFile(join(folder, "public/large.jpg"));
}

/** The environment without the variables that `npm run` and vitest set for child processes. */
export const plainEnvironment = (): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_|VITE)/i.test(name))),
  NEXT_TELEMETRY_DISABLED: "1",
});

/** Runs a recipe's commands as they are printed. */
export async function runCommands(folder: string, commands: readonly string[]): Promise<void> {
  for (const command of commands)
    await run("bash", ["-e", "-c", command], { cwd: folder, env: plainEnvironment() }).catch(
      (error: unknown) => {
        const { stdout, stderr } = error as { readonly stdout: string; readonly stderr: string };
        throw new Error(`${command}\n${stdout}\n${stderr}`);
      },
    );
}

/** A page's result, and the browser's warnings and errors. */
export interface TriedPage {
  readonly found: unknown;
  readonly problems: readonly string[];
  /** The URLs of its workers. */
  readonly workers: readonly string[];
}

export async function tryPage(browser: Browser, address: string): Promise<TriedPage> {
  const page = await (await browser.newContext()).newPage();
  const problems: string[] = [];
  const workers: string[] = [];
  page.on("console", (message) => {
    if (["warning", "error"].includes(message.type())) problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("worker", (worker) => workers.push(worker.url()));
  await page.route("**/favicon.ico", (route) => route.fulfill({ status: 204 }));
  try {
    await page.goto(address);
    await page
      .waitForFunction("globalThis.found !== undefined", undefined, { timeout: 120_000 })
      .catch(() => {
        problems.push("it found nothing");
      });
    return { found: await page.evaluate("globalThis.found"), problems, workers };
  } finally {
    await page.context().close();
  }
}

export interface TriedServer {
  readonly status: number;
  readonly text: string;
}

/**
 * Starts a server, calls `work` with its address and stops it.
 * @param ready finds the address in the server's output
 */
export async function tryServer<T>(
  folder: string,
  [command = "", ...args]: readonly string[],
  ready: (printed: string) => string | undefined,
  work: (origin: string) => Promise<T>,
): Promise<T> {
  const server = spawn(command, args, {
    cwd: folder,
    env: plainEnvironment(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise((resolve) => server.once("exit", resolve));
  try {
    const origin = await new Promise<string>((resolve, reject) => {
      let printed = "";
      const listen = (data: Buffer) => {
        printed += data.toString();
        const address = ready(printed);
        if (address !== undefined) resolve(address);
      };
      server.stdout.on("data", listen);
      server.stderr.on("data", listen);
      server.once("exit", () => reject(new Error(`the server ended: ${printed}`)));
    });
    return await work(origin);
  } finally {
    server.kill();
    await ended;
  }
}

/** Requests a scene from a server with the program `server.js`. */
export const askServer = (folder: string, script: string): Promise<TriedServer> =>
  tryServer(
    folder,
    [process.execPath, script],
    (printed) => {
      const [, port] = /^(\d+)\n/.exec(printed) ?? [];
      return port === undefined ? undefined : `http://127.0.0.1:${port}`;
    },
    async (origin) => {
      const response = await fetch(`${origin}/?image=${encodeURIComponent(scene)}`);
      return { status: response.status, text: await response.text() };
    },
  );
