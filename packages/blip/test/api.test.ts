// The published surface: a name, kind or signature that changes shows here first.
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { publicApi } from "../../../scripts/public-api.ts";

const file = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

test("the public API is as it was reviewed: every exported name with its kind and signature", async () => {
  const api = {
    ...publicApi(
      {
        ...{ node: file("../src/node.ts"), platform: file("../src/platform-api.ts") },
        train: file("../src/train/node/index.ts"),
      },
      file("../tsconfig.node.json"),
    ),
    ...publicApi({ web: file("../src/web.ts") }, file("../tsconfig.web.json")),
  };
  for (const [entry, text] of Object.entries(api))
    await expect(text).toMatchFileSnapshot(`__snapshots__/api/${entry}.txt`);
}, 120_000);
