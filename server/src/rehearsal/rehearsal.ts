/** Rehearsals: crowds that are not real, for trying, measuring and showing what is. */
export { type CrowdOptions, type CrowdProgress, runCrowd } from './crowd.ts';
export { type CrowdOnItsWay, sendCrowd } from './crowd-process.ts';
export { type DrillOptions, type DrillOutcome, runDrill } from './drill.ts';
export { runDrillCommand } from './drill-command.ts';
