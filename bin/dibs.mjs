#!/usr/bin/env node
// The program itself: node bin/dibs.mjs serve|verify|audit|drill ... (see server/src/cli.ts)
import { ensureInstalled, ensureWebBuilt, findNode, run } from './launch.mjs';

const args = process.argv.slice(2);
ensureInstalled();
const node = findNode();
if (args[0] === 'serve' && !args.includes('--help')) ensureWebBuilt(node);
run(node, 'server/src/cli.ts', args);
