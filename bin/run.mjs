#!/usr/bin/env node
// Runs one of the project's own scripts: node bin/run.mjs tools/check.ts [arguments]
import { ensureInstalled, fail, findNode, run } from './launch.mjs';

const [script, ...args] = process.argv.slice(2);
if (!script) fail('which script? Usage: node bin/run.mjs FILE [arguments]');
ensureInstalled();
run(findNode(), script, args);
