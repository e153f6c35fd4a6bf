// Help: every option stands in a group and says what it is unless told; every group has an example that can be parsed.
import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { exampleLines, exampleOf, groupsOf } from "../src/help/examples.ts";
import { headingOf, helpOf, optionHelp, saysDefault } from "../src/help/option-help.ts";
import { createProgram } from "../src/index.ts";
import { blip } from "./run-blip.ts";

const { stdin, stdout, stderr } = process;
const signal = new AbortController().signal;
const program = createProgram({ stdin, stdout, stderr, env: {}, signal }, () => undefined);
const verbs: [string, Command][] = program.commands.map((command) => [command.name(), command]);

/** Words as a shell parts them. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quotedText, plain]) => quotedText ?? plain ?? "");

describe.each(verbs)("blip %s --help", (verb, command) => {
  test("says of every option its group, and its default or that it has none or is required", () => {
    const without = (about: (option: Command["options"][number]) => boolean) =>
      command.options.filter((option) => !about(option)).map(({ flags }) => flags);
    expect(without((option) => helpOf(verb, option) !== undefined)).toEqual([]);
    expect(without(saysDefault)).toEqual([]);
    expect(without(({ mandatory, description }) => mandatory === description.endsWith("(required)"))).toEqual(
      [],
    );
  });

  test("has an example for each group, which the verb takes", () => {
    const lines = exampleLines(command).filter((line) => line.startsWith("  blip "));
    expect(lines.length).toBeGreaterThan(groupsOf(command).length);
    for (const group of groupsOf(command)) expect(exampleOf(command, group), headingOf(group)).toBeDefined();
    for (const line of lines) {
      const [, name, ...args] = wordsOf(line.trim().replace(/ > .*/, ""));
      expect(name).toBe(verb);
      const fresh = createProgram({ stdin, stdout, stderr, env: {}, signal }, () => undefined);
      const own = fresh.commands.find((other) => other.name() === verb);
      const { operands, unknown } = own?.parseOptions(args) ?? { operands: [], unknown: args };
      expect([line, unknown]).toEqual([line, []]);
      expect(operands.every((operand) => !operand.startsWith("-"))).toBe(true);
      expect(operands.length).toBeGreaterThanOrEqual(
        own?.registeredArguments.filter(({ required }) => required).length ?? 0,
      );
    }
  });

  test("shows them", async () => {
    const { code, stdout: text } = await blip([verb, "--help"]);
    expect(code).toBe(0);
    for (const group of groupsOf(command)) expect(text).toContain(`\n${headingOf(group)}\n`);
    expect(text).toContain("\nExamples:\n");
  });
});

test("no line of the table is about an option that there is not", () => {
  const spelt = (name: string) =>
    verbs.some(([verb, command]) => {
      const [first = "", second] = name.split(" ");
      if (second !== undefined && first !== verb) return false;
      return command.options.some(({ long, short }) => (long ?? short) === (second ?? first));
    });
  expect(Object.keys(optionHelp).filter((name) => !spelt(name))).toEqual([]);
});

test("blip --help has its verbs in groups, with examples", async () => {
  const { code, stdout: text } = await blip(["--help"]);
  expect(code).toBe(0);
  for (const heading of ["Images and texts:", "Models:", "Training and data:", "Shell:", "Examples:"])
    expect(text).toContain(`\n${heading}\n`);
});
