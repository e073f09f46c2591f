/** What the system around the process sees of it: background, pid file, signals, service manager, orderly stops. */
export { findStarter, goesToBackground, startInBackground, type Starter } from './daemon.ts';
export { ExitCode, PidFileError } from './errors.ts';
export { letClientsFinish, pause } from './graceful-stop.ts';
export { watchParent } from './parent-watch.ts';
export { acquirePidFile, type PidFile } from './pid-file.ts';
export { StopRequests } from './stop-requests.ts';
export { createServiceManager } from './systemd.ts';
