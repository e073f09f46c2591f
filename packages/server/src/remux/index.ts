export { aacFamily, mp3Family } from './audio-format.ts';
export { flvFamily } from './flv-format.ts';
export { chunkedFraming, type Framing, plainFraming, websocketFraming } from './framing.ts';
export { rtmpFamily } from './rtmp-format.ts';
export { tsFamily } from './ts-format.ts';
export { type PackResult, TsPacker } from './ts-packer.ts';
