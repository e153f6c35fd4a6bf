import { describe, expect, test } from "vitest";
import { apiChange, bumpBetween, isEnough, neededBump } from "./api-change.ts";
import { changelogSection } from "./changelog.ts";

const before = "interface A\n  x: number\ninterface B\n  x: number\n";

describe("the API's change", () => {
  test("a removed member is named with its type", () => {
    const change = apiChange(before, "interface A\n  x: number\ninterface B\n  y: number\n");
    expect(change).toEqual({ removed: ["interface B: x: number"], added: ["interface B: y: number"] });
  });

  test.each([
    ["1.2.0", before, `${before}interface C\n`, "minor"],
    ["1.2.0", before, "interface A\n  x: number\n", "major"],
    ["0.2.0", before, "interface A\n  x: number\n", "minor"],
    ["0.2.0", before, `${before}interface C\n`, "patch"],
    ["1.2.0", before, before, "patch"],
  ] as const)("at %s asks for a step of the version", (version, old, now, bump) => {
    expect(neededBump(apiChange(old, now), version)).toBe(bump);
  });

  test("steps are compared", () => {
    expect(bumpBetween("1.2.3", "1.3.0")).toBe("minor");
    expect(bumpBetween("1.2.3", "2.0.0")).toBe("major");
    expect(bumpBetween("1.2.3", "1.2.4")).toBe("patch");
    expect(isEnough("minor", "major")).toBe(false);
    expect(isEnough("major", "minor")).toBe(true);
  });

  test.each(["1.2.3", "1.2.2", "0.9.9"])("%s is no version above 1.2.3", (version) => {
    expect(() => bumpBetween("1.2.3", version)).toThrow("expected one above 1.2.3");
  });
});

describe("the changelog's section", () => {
  const changelog = "# Changelog\n\n## Unreleased\n\n- new\n\n## 0.1.0\n\n- first\n\n## 0.0.1\n";

  test("is found by its title", () => {
    expect(changelogSection(changelog, "0.1.0")).toBe("- first");
    expect(changelogSection(changelog, "Unreleased")).toBe("- new");
  });

  test.each(["0.2.0", "0.0.1"])("%s has none", (title) => {
    expect(() => changelogSection(changelog, title)).toThrow(`expected a section "## ${title}" with entries`);
  });
});
