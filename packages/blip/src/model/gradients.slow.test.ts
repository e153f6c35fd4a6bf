import { gradientTests, networks } from "../../test/support/network-gradients.ts";

gradientTests(networks);
