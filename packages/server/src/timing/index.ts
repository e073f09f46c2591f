export { JumpDetector } from './jump-detector.ts';
export { noArrival, Timeline } from './timeline.ts';
