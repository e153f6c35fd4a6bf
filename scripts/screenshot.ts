// Takes docs/page.jpg: the example page in Chromium, after a match, a caption and a question.
//
//   npm run page && npm run screenshot
import { access, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromiumPath, openBrowser } from "../packages/blip/test/support/browser.ts";
import { servePages } from "../packages/blip/test/support/page-server.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const made = join(root, "examples/page/dist");

async function screenshot(): Promise<Buffer> {
  if (chromiumPath === undefined)
    throw new Error("chromium: expected it on the PATH, got none. Install Chromium, then run this again.");
  await access(join(made, "index.html")).catch(() => {
    throw new Error("examples/page/dist: expected the built page, got none. Run `npm run page` first.");
  });
  const server = await servePages({ folders: { "": made } });
  const browser = await openBrowser();
  try {
    const page = await browser.newPage({ viewport: { width: 1000, height: 860 }, colorScheme: "light" });
    await page.goto(`${server.origin}/index.html`);
    for (const form of ["match", "caption", "ask"]) {
      await page.waitForSelector(`#${form} button:enabled`, { timeout: 120_000 });
      await page.click(`#${form} button`);
    }
    await page.waitForFunction(
      'document.querySelectorAll("#rows li").length > 0 && ' +
        '["said", "answer"].every((id) => document.getElementById(id).textContent !== "")',
      undefined,
      { timeout: 120_000 },
    );
    return await page.screenshot({ type: "jpeg", quality: 80, fullPage: true });
  } finally {
    await browser.close();
    await server[Symbol.asyncDispose]();
  }
}

await writeFile(join(root, "docs/page.jpg"), await screenshot());
console.log("docs/page.jpg");
