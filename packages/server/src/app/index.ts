export { type ServerAddresses, SluiceServer, StartError, type StartErrorCode } from './server.ts';
export { packageVersion } from './version.ts';
