/** A live stream has a publisher already (R-error 1028). */
export class StreamBusyError extends Error {
  readonly code = 'stream-busy';

  constructor(stream: string) {
    super(`stream ${stream} is being published already`);
    this.name = 'StreamBusyError';
  }
}
