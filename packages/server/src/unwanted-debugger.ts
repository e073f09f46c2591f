/** Options of Node that may open the debugger: by themselves, or by what they load. */
const OPENS_DEBUGGER = /--inspect|--require|-r\b|--import|--loader|--experimental-loader/;

/** The part of a process that says how Node was started. */
export interface NodeStart {
  readonly execArgv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Closes Node's debugger when nobody has asked for it. A SIGUSR1 that comes before the program listens for it opens the
 * debugger on a port of this machine, for whoever has an account here. Harmless where none is open.
 */
export function closeUnwantedDebugger(
  start: NodeStart = process,
  debug: { url(): string | undefined; close(): void } | undefined = nodeDebugger(),
): void {
  const options = [...start.execArgv, start.env['NODE_OPTIONS'] ?? ''].join(' ');
  if (debug?.url() !== undefined && !OPENS_DEBUGGER.test(options)) debug.close();
}

/** Undefined in a Node without one, and in one that is too old to say. */
function nodeDebugger(): { url(): string | undefined; close(): void } | undefined {
  if (!process.features.inspector || typeof process.getBuiltinModule !== 'function') return undefined;
  return process.getBuiltinModule('node:inspector');
}
