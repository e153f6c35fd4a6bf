import { describe, expect, test } from "vitest";
import { ModelError } from "@blip-ts/base";
import { hostSessions } from "../worker/session-host.ts";
import { createWorkerEngine } from "../worker/worker-engine.ts";
import { cannotLoad, type NativeLibrary, type NativePlace } from "./native-library.ts";
import { orCannotLoad, runtimeOn, type loadOnnxRuntime } from "./runtime.ts";

const debian: NativePlace = { platform: "linux", arch: "x64", libc: "glibc", version: "v22.0.0" };
const alpine: NativePlace = { ...debian, libc: "musl" };

describe("a native library that cannot be loaded", () => {
  test.each<[string, NativeLibrary, NativePlace, string, RegExp]>([
    [
      "Alpine's engine",
      "onnxruntime-node",
      alpine,
      "Error loading shared library ld-linux-x86-64.so.2: No such file or directory",
      /linux-x64 with musl \(Node v22\.0\.0\).*ld-linux-x86-64.*no binary for musl.*node:22-slim/,
    ],
    ["Alpine's decoder", "sharp", alpine, "Could not load", /--libc=musl sharp/],
    [
      "an old system",
      "onnxruntime-node",
      debian,
      "/lib/x86_64-linux-gnu/libstdc++.so.6: version `GLIBCXX_3.4.30' not found",
      /apt-get install libstdc\+\+6/,
    ],
    [
      "a package that was left out",
      "sharp",
      debian,
      '\nCould not load the "sharp" module using the linux-x64 runtime\nPossible solutions:\n- ...',
      /\(Could not load the "sharp" module using the linux-x64 runtime\)\. Install it on this system with its optional/,
    ],
    [
      "a copy from another system",
      "onnxruntime-node",
      { platform: "darwin", arch: "arm64", libc: undefined, version: "v20.19.0" },
      "dlopen(...): slice is not valid mach-o file",
      /for darwin-arm64 \(Node v20\.19\.0\).*Install it again on this system/,
    ],
  ])("is named with what to do: %s", (_, library, place, detail, says) => {
    const error = cannotLoad(library, new Error(detail), place);
    expect(error).toBeInstanceOf(ModelError);
    expect(error).toMatchObject({ code: "native/cannot-load", fields: { library } });
    expect(error.message).toMatch(says);
    expect(error.message).toContain("docs/platforms.md");
  });

  test("fails the call that needs it with its name, through the engine's thread", async () => {
    const missing = new Error(
      "libonnxruntime.so.1: cannot open shared object file: No such file or directory",
    );
    const loading = orCannotLoad<Awaited<ReturnType<typeof loadOnnxRuntime>>>(Promise.reject(missing));
    const engine = createWorkerEngine((listener) => {
      const answer = hostSessions(
        () => runtimeOn(loading, "cpu"),
        (reply) => listener.message(reply),
        (work) => loading.then(() => work()),
      );
      return {
        post: (request) => answer(request),
        terminate: () => Promise.resolve(),
        keepAlive: () => undefined,
      };
    });
    const session = engine.createSession({ onnx: new Uint8Array(), external: [] });
    await expect(session).rejects.toMatchObject({
      code: "native/cannot-load",
      message: expect.stringContaining("libonnxruntime.so.1: cannot open shared object file") as string,
    });
    await engine.close();
  });
});
