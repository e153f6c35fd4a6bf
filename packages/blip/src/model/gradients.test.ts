// One network of each kind; the others are in gradients.slow.test.ts.
import { gradientTests } from "../../test/support/network-gradients.ts";

gradientTests(["image", "score"]);
