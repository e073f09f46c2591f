import type { Command } from 'commander';

import { registerBandwidthCommand } from './bandwidth.ts';
import { registerDetectCommand } from './detect.ts';
import { registerDumpCommand } from './dump.ts';
import { registerFlvCommands } from './flv.ts';
import { registerIngestFlvCommand } from './ingest-flv.ts';
import { registerIngestRtmpCommand } from './ingest-rtmp.ts';

/** Adds the tools (X007) to a program. */
export function registerToolCommands(program: Command): void {
  // A tool's -t is its own, not the server's.
  program.enablePositionalOptions();
  registerDumpCommand(program);
  registerDetectCommand(program);
  registerFlvCommands(program);
  registerIngestFlvCommand(program);
  registerIngestRtmpCommand(program);
  registerBandwidthCommand(program);
}
