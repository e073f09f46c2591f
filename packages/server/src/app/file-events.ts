import type { VhostConfig } from '../config/index.ts';
import type { HookEvent, HttpCallbacks } from '../hooks/index.ts';
import type { StreamId } from '../live/index.ts';
import type { Sinks } from './sinks.ts';

interface StreamOfVhost {
  readonly vhost: VhostConfig;
  readonly app: string;
  readonly stream: string;
}

/** Callback servers are told of each HLS segment and each recording. */
export function tellOfFiles(
  sinks: Sinks,
  callbacks: HttpCallbacks,
  findVhost: (name: string) => VhostConfig | undefined,
): void {
  function tell({ vhost: name, app, stream }: StreamId, event: (of: StreamOfVhost) => HookEvent): void {
    const vhost = findVhost(name);
    if (vhost !== undefined) callbacks.tell(event({ vhost, app, stream }));
  }
  sinks.hls.onSegment((segment) => {
    tell(segment.stream, (of) => ({ action: 'on_hls', ...of, segment }));
  });
  sinks.onRecording((recording) => {
    if (recording.stream !== undefined)
      tell(recording.stream, (of) => ({ action: 'on_dvr', ...of, recording }));
  });
}
