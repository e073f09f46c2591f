export { VodDoor, type VodDoorOptions } from './door.ts';
export { VodHls, type VodHlsOptions } from './hls-door.ts';
