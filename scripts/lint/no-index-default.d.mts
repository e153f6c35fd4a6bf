import type { Rule } from "eslint";

export declare const noIndexDefault: Rule.RuleModule;
