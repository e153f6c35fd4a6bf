// Resources are closed in every case, even if the engine has no Symbol.asyncDispose.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { asyncDispose, closedBy, closing, orClosed } from "./closable.ts";

/** A resource that records its closing in `events`, and fails with `failure` if given. */
const resource = (events: string[], failure?: Error) => ({
  close: () => {
    events.push("closed");
    return failure ? Promise.reject(failure) : Promise.resolve();
  },
});

describe("closing", () => {
  test("returns the result, and closes the resource afterwards", async () => {
    const events: string[] = [];
    const made = await closing(resource(events), () => {
      events.push("used");
      return Promise.resolve(7);
    });
    expect(made).toBe(7);
    expect(events).toEqual(["used", "closed"]);
  });

  test("also closes if the use fails, and throws that failure", async () => {
    const events: string[] = [];
    const both = closing(resource(events, new Error("closing")), () => Promise.reject(new Error("use")));
    await expect(both).rejects.toThrow("use");
    expect(events).toEqual(["closed"]);
  });

  test("throws the error of closing if the use succeeded", async () => {
    const failing = resource([], new Error("closing"));
    await expect(closing(failing, () => Promise.resolve(7))).rejects.toThrow("closing");
  });
});

describe("orClosed", () => {
  test("leaves the resource open for the result", async () => {
    const events: string[] = [];
    expect(await orClosed(resource(events), () => Promise.resolve(7))).toBe(7);
    expect(events).toEqual([]);
  });

  test("closes the resource if making the result fails", async () => {
    const events: string[] = [];
    const failing = orClosed(resource(events), () => Promise.reject(new Error("making")));
    await expect(failing).rejects.toThrow("making");
    expect(events).toEqual(["closed"]);
  });
});

describe("the key of `await using`", () => {
  test("is the engine's own symbol if it exists", async () => {
    expect(asyncDispose).toBe(Symbol.asyncDispose);
    const events: string[] = [];
    {
      await using held = closedBy(resource(events).close);
      expect(held).toHaveProperty("close");
    }
    expect(events).toEqual(["closed"]);
  });

  test("otherwise is the registered symbol, and never the text undefined", async () => {
    const place = (relative: string) => new URL(relative, import.meta.url).href;
    const script = `
      import { asyncDispose, closedBy } from ${JSON.stringify(place("closable.ts"))};
      const keys = Reflect.ownKeys(closedBy(() => Promise.resolve()));
      const own = Symbol.asyncDispose;
      console.log(own, asyncDispose === Symbol.for("Symbol.asyncDispose"), keys.includes(asyncDispose), keys.includes("undefined"));`;
    const before = fileURLToPath(place("../test/without-dispose.mjs"));
    const args = ["--import", before, "--import", "tsx", "--input-type=module", "--eval", script];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    expect(stdout.trim()).toBe("undefined true true false");
  });
});
