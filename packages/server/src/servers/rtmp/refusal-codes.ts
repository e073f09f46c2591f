import type { CloseRefusal } from '@sluice/rtmp';

import type { EndReason } from '../../stats/index.ts';

type Codes = NonNullable<CloseRefusal['codes']>;

/** The name is not one that can be published or played. */
const badName: Codes = { publish: 'NetStream.Publish.BadName', play: 'NetStream.Play.StreamNotFound' };
/** Somebody or some rule says no. librtmp, which OBS uses, shows `Denied` and not `BadName`. */
const denied: Codes = { publish: 'NetStream.Publish.Denied', play: 'NetStream.Play.Failed' };
/** The client is not to blame. */
const failed: Codes = { publish: 'NetStream.Failed', play: 'NetStream.Play.Failed' };

/** The codes by which a client is refused whose connection ends for this reason while it waits for an answer. */
export function refusalCodes(reason: EndReason): Codes {
  switch (reason) {
    case 'bad-stream-name':
    case 'protocol-error':
    case 'stream-busy':
    case 'vhost-not-found':
      return badName;
    case 'bandwidth-rejected':
    case 'hook-denied':
    case 'refer-denied':
    case 'security-denied':
    case 'token-denied':
    case 'too-many-from-address':
      return denied;
    default:
      return failed;
  }
}
