import { describe, expect, it } from "vitest";
import { failureOf, type TestMember, zipOf, type ZipOptions } from "@blip-ts/testing";
import { memorySource } from "./memory-source.ts";
import { locateMember, readZipDirectory } from "./zip.ts";

const data = (text: string) => new TextEncoder().encode(text);

const contents = async (bytes: Uint8Array) => {
  const source = memorySource("m.pth", bytes);
  const texts: Record<string, string> = {};
  for (const [name, member] of await readZipDirectory(source)) {
    const offset = await locateMember(source, member);
    texts[name] = new TextDecoder().decode(bytes.subarray(offset, offset + member.size));
  }
  return texts;
};

const two: TestMember[] = [
  { name: "a/first", data: data("one"), padding: 20 },
  { name: "a/sécond", data: data("two"), padding: 7 },
];

describe("readZipDirectory", () => {
  it.each<[string, ZipOptions]>([
    ["a plain archive", {}],
    ["a zip64 archive", { zip64: true }],
    ["an archive with a comment", { comment: data("x".repeat(65_535)) }],
    ["a zip64 archive with a comment", { zip64: true, comment: data("PK\x05\x06 is not the end") }],
  ])("finds the bytes of each member of %s", async (_, options) => {
    expect(await contents(zipOf(two, options))).toEqual({ "a/first": "one", "a/sécond": "two" });
  });

  it("takes the sizes from the directory if the local header omits them", async () => {
    expect(await contents(zipOf([{ name: "a", data: data("abc"), flags: 8, localSize: 0 }]))).toEqual({
      a: "abc",
    });
  });

  const member = (over: Partial<TestMember>): TestMember => ({ name: "a", data: data("abc"), ...over });

  it.each<[string, TestMember[], ZipOptions, string, string]>([
    ["a compressed member, by its method", [member({ method: 8 })], {}, "checkpoint/unsupported", "deflate"],
    ["a method without a name", [member({ method: 77 })], {}, "checkpoint/unsupported", "method 77"],
    ["an encrypted member", [member({ flags: 1 })], {}, "checkpoint/unsupported", "encrypted"],
    ["a repeated member", [member({}), member({})], {}, "checkpoint/duplicate", "a occurs twice"],
    [
      "overlapping members",
      [member({}), member({ name: "b", claimedOffset: 1 })],
      {},
      "checkpoint/malformed",
      "overlaps",
    ],
    [
      "a size that reaches into the directory",
      [member({ claimedSize: 99 })],
      {},
      "checkpoint/malformed",
      "overlaps",
    ],
    [
      "a size of 2^60",
      [member({ claimedSize: 2 ** 60 })],
      { zip64: true },
      "checkpoint/malformed",
      "lacks the size",
    ],
    ["an offset behind the file", [member({ claimedOffset: 9_999 })], {}, "checkpoint/malformed", "overlaps"],
    [
      "an offset where no header is",
      [member({ padding: 9 }), member({ name: "b", claimedOffset: 41 })],
      {},
      "checkpoint/malformed",
      "is missing",
    ],
    [
      "a local header of another name",
      [member({ localName: "b" })],
      {},
      "checkpoint/malformed",
      "is missing",
    ],
    ["a local header of another size", [member({ localSize: 2 })], {}, "checkpoint/malformed", "has 2 bytes"],
    [
      "more members than the directory holds",
      [member({})],
      { claimedCount: 9 },
      "checkpoint/malformed",
      "cannot hold",
    ],
    [
      "2^40 members",
      [member({})],
      { claimedCount: 2 ** 40, zip64: true },
      "checkpoint/malformed",
      "cannot hold",
    ],
    [
      "fewer members than the directory holds",
      two,
      { claimedCount: 1 },
      "checkpoint/malformed",
      "longer than",
    ],
    ["a directory elsewhere", [member({})], { directoryShift: -1 }, "checkpoint/malformed", "does not point"],
  ])("refuses %s", async (_, members, options, code, says) => {
    const failure = await failureOf(() => contents(zipOf(members, options)));
    expect(failure.message).toContain(says);
    expect(failure.code).toBe(code);
  });

  /**
   * Changes bytes of the archive at a distance from its end: the end record has 22 bytes, the locator 20, the zip64
   * record 56.
   */
  const patched = (fromEnd: number, value: bigint, zip64: boolean, members = two) => {
    const bytes = zipOf(members, { zip64 });
    new DataView(bytes.buffer).setBigUint64(bytes.length - fromEnd, value, true);
    return bytes;
  };

  it.each([
    [
      "several disks",
      patched(18, 0x0002_0002_0000_0001n, false),
      "checkpoint/unsupported",
      "split over several files",
    ],
    [
      "a zip64 record at 2^60",
      patched(34, 2n ** 60n, true),
      "checkpoint/malformed",
      "zip64 end record cannot be used",
    ],
    [
      "a zip64 record where none is",
      patched(34, 1n, true),
      "checkpoint/malformed",
      "zip64 end record cannot be used",
    ],
    [
      "a zip64 record of 2^60 members",
      patched(66, 2n ** 60n, true),
      "checkpoint/malformed",
      "zip64 end record cannot be used",
    ],
    [
      "a zip64 record of two numbers of members",
      patched(74, 1n, true),
      "checkpoint/malformed",
      "zip64 end record cannot be used",
    ],
  ])("refuses %s", async (_, bytes, code, says) => {
    const failure = await failureOf(() => contents(bytes));
    expect(failure.message).toContain(says);
    expect(failure.code).toBe(code);
  });

  const inDirectory = (change: (view: DataView, directory: number) => void) => {
    const bytes = zipOf([{ name: "a", data: data("abc") }]);
    const view = new DataView(bytes.buffer);
    change(view, view.getUint32(bytes.length - 6, true));
    return bytes;
  };

  it.each([
    [
      "a directory without its signature",
      inDirectory((view, at) => view.setUint8(at, 0)),
      "directory is broken",
    ],
    [
      "a name longer than the directory",
      inDirectory((view, at) => view.setUint16(at + 28, 99, true)),
      "longer than the directory",
    ],
    ["a name that is not UTF-8", inDirectory((view, at) => view.setUint8(at + 46, 0xff)), "not UTF-8"],
    [
      "a stored member of two sizes",
      inDirectory((view, at) => view.setUint32(at + 20, 2, true)),
      "contradicts itself",
    ],
  ])("refuses %s", async (_, bytes, says) => {
    const failure = await failureOf(() => contents(bytes));
    expect(failure.message).toContain(says);
    expect(failure.code).toBe("checkpoint/malformed");
  });

  it("rejects a local header that reaches into the next part", async () => {
    const padded = zipOf([{ name: "a", data: data("abc") }]);
    new DataView(padded.buffer).setUint16(28, 60_000, true);
    expect((await failureOf(() => contents(padded))).message).toContain("leaves too little room");
    const named = zipOf([{ name: "abcdef", localName: "", data: data("") }]);
    expect((await failureOf(() => contents(named))).message).toContain("overlaps the data after it");
  });

  it("rejects a file cut anywhere", async () => {
    const whole = zipOf(two, { zip64: true });
    for (let length = 0; length < whole.length; length++) {
      const failure = await failureOf(() => contents(whole.subarray(0, length)));
      expect(failure.message).toContain("no end record");
    }
  });

  it("rejects a directory above the limit before it reads it", async () => {
    const end = zipOf([]);
    const directory = 2 ** 30;
    new DataView(end.buffer).setUint32(12, directory, true);
    const reads: number[] = [];
    const source = {
      name: "m",
      size: directory + end.length,
      read: (offset: number, length: number) => {
        reads.push(length);
        const bytes = new Uint8Array(length);
        bytes.set(end, directory - offset);
        return Promise.resolve(bytes);
      },
    };
    expect(await failureOf(() => readZipDirectory(source))).toMatchObject({ code: "checkpoint/limit" });
    expect(Math.max(...reads)).toBeLessThan(70_000);
  });
});
