export type { ServerAddresses } from './addresses.ts';
export { localAddresses } from './local-addresses.ts';
export { ReloadError, type ReloadResult } from './reload.ts';
export { type ServerSources, SluiceServer } from './server.ts';
export { StartError, type StartErrorCode } from './start-error.ts';
export { packageVersion } from './version.ts';
