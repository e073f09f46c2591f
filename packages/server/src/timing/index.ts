export { JumpDetector } from './jump-detector.ts';
export { MAX_OWN_START_MS, USUAL_SKEW_MS } from './limits.ts';
export { noArrival, Timeline } from './timeline.ts';
