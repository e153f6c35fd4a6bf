// Firefox, if it is installed: driven through WebDriver BiDi, or opened on a page that reports its own results.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { launch, type Browser } from "puppeteer-core";

/** The path of Firefox on this machine; undefined if there is none. */
export const firefoxPath = (process.env.PATH ?? "")
  .split(delimiter)
  .flatMap((folder) => ["firefox-esr", "firefox"].map((name) => join(folder, name)))
  .find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

/** Settings that stop requests to any host but the page's server. */
const preferences: Readonly<Record<string, boolean | string>> = {
  "app.normandy.enabled": false,
  "app.update.disabledForTesting": true,
  "browser.safebrowsing.malware.enabled": false,
  "browser.safebrowsing.phishing.enabled": false,
  "browser.shell.checkDefaultBrowser": false,
  "browser.startup.homepage_override.mstone": "ignore",
  "datareporting.policy.dataSubmissionEnabled": false,
  "extensions.getAddons.cache.enabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "network.dns.disablePrefetch": true,
  "services.settings.server": "http://127.0.0.1:1/v1",
  "toolkit.telemetry.enabled": false,
};

/** The reason for skipping a test that needs Firefox. */
export const noFirefox = "there is no Firefox here (Debian's package is firefox-esr)";

/** Starts Firefox with a fresh profile, to be driven through WebDriver BiDi. */
export function driveFirefox(): Promise<Browser> {
  if (firefoxPath === undefined) throw new Error(noFirefox);
  return launch({
    ...{ browser: "firefox", executablePath: firefoxPath, headless: true },
    extraPrefsFirefox: preferences,
    timeout: 120_000,
    protocolTimeout: 300_000,
  });
}

/** Opens an address in a Firefox with a fresh profile until `work` ends. */
export async function inFirefox<T>(address: string, work: () => Promise<T>): Promise<T> {
  if (firefoxPath === undefined) throw new Error(noFirefox);
  const profile = await mkdtemp(join(tmpdir(), "blip-firefox-"));
  const lines = Object.entries(preferences).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`,
  );
  await writeFile(join(profile, "user.js"), lines.join("\n"));
  const firefox = spawn(firefoxPath, ["--headless", "--no-remote", "--profile", profile, address], {
    stdio: "ignore",
    env: { ...process.env, HOME: profile, MOZ_CRASHREPORTER_DISABLE: "1" },
  });
  const ended = once(firefox, "exit");
  try {
    return await work();
  } finally {
    firefox.kill();
    await ended;
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
