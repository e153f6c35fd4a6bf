#!/usr/bin/env node
// The command. It stands outside dist/ because npm links it before dist/ is built.
import "../dist/cli.js";
