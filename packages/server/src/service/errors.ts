/** Exit codes of the command line; a shell shows the low byte of SRS's 1035 for a server that runs already. */
export const ExitCode = {
  stopped: 0,
  failed: 1,
  usage: 2,
  alreadyRunning: 1035 & 0xff,
} as const;

/** A value of {@link ExitCode}. */
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** Why a pid file could not be taken. */
export type PidFileErrorCode = 'already-running' | 'pid-file-denied' | 'pid-file-failed';

/** The pid file can't be taken; the message names the file and the remedy. */
export class PidFileError extends Error {
  override readonly name = 'PidFileError';
  /** `pid-file-denied`: the place may not be written to. */
  readonly code: PidFileErrorCode;

  constructor(code: PidFileErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
