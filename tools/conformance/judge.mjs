// Judges one scenario by its checks, for a server without the tools of the suite.
//
//   node judge.mjs FOLDER
//
// The suite marks a check that it could not make, for want of a tool by a fixed
// name, as a failure that is `untestable`. Every other failure and warning counts.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const folder = process.argv[2];
const files = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith("checks.json"));
const checks = files.flatMap((name) => JSON.parse(readFileSync(join(folder, name), "utf8")));
const bad = checks.filter(({ status }) => status === "FAILURE" || status === "WARNING");
const failed = bad.filter(({ details }) => !details?.untestable);
for (const { id, errorMessage } of failed) console.log(`failed: ${id}: ${errorMessage}`);
const passed = checks.filter(({ status }) => status === "SUCCESS").length;
console.log(`${passed} passed, ${failed.length} failed, ${bad.length - failed.length} could not be made`);
process.exit(failed.length > 0 || passed === 0 ? 1 : 0);
