#!/usr/bin/env node
// Builds the web app when its sources changed, and does nothing else.
import { ensureInstalled, ensureWebBuilt, findNode } from './launch.mjs';

ensureInstalled();
ensureWebBuilt(findNode());
