export { registerBenchCommands } from './commands.ts';
export { ControlEvent } from './control.ts';
export { Histogram, type HistogramData } from './histogram.ts';
export type { Tally } from './tally.ts';
