// A reporter that lists the tests that took more than a third of their timeout. They fail first on a busy machine.
import type { Reporter, TestCase } from "vitest/node";

/** The share of its timeout above which a test counts as slow. */
const share = 1 / 3;

export default class SlowTests implements Reporter {
  readonly #slow: { readonly name: string; readonly duration: number; readonly timeout: number }[] = [];

  onTestCaseResult(test: TestCase): void {
    const duration = test.diagnostic()?.duration ?? 0;
    const timeout = test.options.timeout ?? test.project.config.testTimeout;
    if (duration > share * timeout)
      this.#slow.push({ name: `${test.module.relativeModuleId} > ${test.fullName}`, duration, timeout });
  }

  onTestRunEnd(): void {
    if (this.#slow.length === 0) return;
    console.log("\nMore than a third of their timeout (make them faster, or move them to the slow suite):");
    for (const { name, duration, timeout } of this.#slow.sort((a, b) => b.duration - a.duration))
      console.log(`  ${(duration / 1000).toFixed(1)} of ${timeout / 1000} s  ${name}`);
  }
}
