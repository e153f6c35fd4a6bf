// Writes kept pairs as webdataset shards, as img2dataset does: per pair KEY.jpg (the original image), KEY.txt, and
// KEY.json with all other columns. If the data is also shards, other members of a sample are copied.
import { closedBy } from "@blip-ts/base";
import { plainValue, tarEnd, tarMembers, type TarMember } from "@blip-ts/datasets";
import { imageBytes } from "./image-files.ts";
import { rowName, type KeptImage, type KeptPair, type PairWriter, type Target } from "./pair-writer.ts";
import { Parts } from "./parts.ts";

/** A field as a shard member, such as `seg.png` or `cls`; undefined if the field is not a member. */
function memberOf(name: string, value: unknown): { suffix: string; bytes: Uint8Array } | undefined {
  if (value instanceof Uint8Array && /^\.[^./]+$/.test(name)) return { suffix: name.slice(1), bytes: value };
  if (typeof value !== "object" || value === null || !("bytes" in value && "path" in value)) return undefined;
  const { bytes, path } = value;
  const suffix = typeof path === "string" ? /[^/.]\.([^/]+)$/.exec(path)?.[1] : undefined;
  return bytes instanceof Uint8Array && suffix !== undefined ? { suffix, bytes } : undefined;
}

/** The fields that are members, each under its own suffix: a reader refuses a suffix that occurs twice. */
export function membersOf(fields: Readonly<Record<string, unknown>>, image: string) {
  const taken = new Set([image.toLowerCase(), "txt", "json"]);
  return Object.entries(fields).flatMap(([name, value]) => {
    const member = memberOf(name, value);
    if (!member) return [];
    const { bytes, suffix } = member;
    const named = `${name.replace(/[^\w-]+/g, "_")}.${suffix.replace(/^.*\./, "")}`;
    const names = [suffix, named, ...Array.from({ length: taken.size }, (_, at) => `${at}_${named}`)];
    const free = names.find((one) => !taken.has(one.toLowerCase())) ?? suffix;
    taken.add(free.toLowerCase());
    return [{ bytes, suffix: free }];
  });
}

/** The columns of a sample. img2dataset names its key `key`. */
function columnsOf({ row, n }: KeptImage, { provenance }: KeptPair): Record<string, unknown> {
  const { __key__: key = rowName(n), ...fields } = row.fields;
  const own = Object.entries(fields).filter(([name, value]) => memberOf(name, value) === undefined);
  return { key, ...Object.fromEntries(own), ...provenance };
}

export function shardWriter(target: Target): PairWriter {
  const parts = new Parts(target, "tar");
  const end = async () => {
    if (parts.isOpen) await parts.write(tarEnd, 0);
    await parts.next();
  };
  return {
    async add(keptImage) {
      const { bytes, suffix } = await imageBytes(target, keptImage.row.image);
      const others = membersOf(keptImage.row.fields, suffix);
      for (const [index, pair] of keptImage.pairs.entries()) {
        // One key per pair, because a sample has one text.
        const key = `${rowName(keptImage.n)}_${index}`;
        const record = { ...columnsOf(keptImage, pair), [target.columns.text]: pair.text };
        const members: TarMember[] = [
          { name: `${key}.${suffix}`, body: bytes },
          { name: `${key}.txt`, body: pair.text },
          { name: `${key}.json`, body: `${JSON.stringify(plainValue(record), undefined, 4)}\n` },
          ...others.map((other) => ({ name: `${key}.${other.suffix}`, body: other.bytes })),
        ];
        if (parts.isFull) await end();
        await parts.write(await tarMembers(members), 1);
      }
    },
    end,
    ...closedBy(() => parts.close()),
  };
}
