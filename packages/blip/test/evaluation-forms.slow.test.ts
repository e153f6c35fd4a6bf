// `evaluate` over a fixture of each form of the field's data, beside LAVIS's classes and metrics.
import { evaluationCases } from "./support/evaluation-cases.ts";
import { describeCases } from "./support/evaluation-goldens.ts";

describeCases(evaluationCases);
