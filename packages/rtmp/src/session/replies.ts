import { AmfEcmaArray, AmfObject } from '@sluice/media/amf';
import type { AmfValue } from '@sluice/media/amf';
import {
  encodeCommand,
  encodeData,
  encodeSetPeerBandwidth,
  encodeUserControl,
  encodeWindowAcknowledgementSize,
  messageType,
  peerBandwidthLimit,
  userControlType,
} from '../message/index.ts';
import type { RtmpMessage } from '../message/index.ts';
import type { ConnectRequest, PublishFlavour, ServerSessionPhase } from './events.ts';
import type { CloseRefusal, RejectConnectOptions } from './options.ts';

/** Chunk streams that a server sends on, by what they carry. */
export const serverChunkStream = { control: 2, connection: 3, stream: 5, video: 6, audio: 7 } as const;

/**
 * The one message stream that a server gives to each client (Adobe RTMP 1.0, 7.2.1.3); media for a player carry
 * it.
 */
export const mediaStreamId = 1;

/** Window and bandwidth that a server announces, in bytes (Adobe RTMP 1.0, 7.2.1.1). */
const announcedWindow = 2_500_000;

/** Flash Media Server's name and number, which old players look at. */
const flashServerVersion = 'FMS/3,5,3,888';
const flashServerNumber = '3,5,3,888';

/** The id of the client in status notices; any text will do. */
const clientId = 'ASAICiss';

const unpublished = { code: 'NetStream.Unpublish.Success', description: 'Stop publishing stream.' } as const;

/** A protocol control message, on the stream and chunk stream set aside for them. */
export function controlMessage(type: number, payload: Uint8Array): RtmpMessage {
  return { chunkStreamId: serverChunkStream.control, type, streamId: 0, timestamp: 0, payload };
}

/** A command of the connection (stream 0) or of a message stream. */
export function commandMessage(
  streamId: number,
  name: string,
  transactionId: number,
  args: readonly AmfValue[],
): RtmpMessage {
  return {
    chunkStreamId: streamId === 0 ? serverChunkStream.connection : serverChunkStream.stream,
    type: messageType.commandAmf0,
    streamId,
    timestamp: 0,
    payload: encodeCommand(messageType.commandAmf0, { name, transactionId, args }),
  };
}

/** The status notice `onStatus`. */
export function statusMessage(
  level: 'status' | 'error',
  code: string,
  description: string,
  more: Readonly<Record<string, AmfValue>> = {},
): RtmpMessage {
  const info = AmfObject.from({ level, code, description, ...more });
  return commandMessage(mediaStreamId, 'onStatus', 0, [null, info]);
}

/** StreamBegin or StreamEOF of the media stream. */
export function streamEventMessage(event: 'streamBegin' | 'streamEof'): RtmpMessage {
  const payload = encodeUserControl({ event: userControlType[event], streamId: mediaStreamId });
  return controlMessage(messageType.userControl, payload);
}

/** What follows an accepted `connect`, in order. `data` is added to the information object's `data`. */
export function connectAccepted(
  request: ConnectRequest,
  data: Readonly<Record<string, AmfValue>> = {},
): RtmpMessage[] {
  const properties = AmfObject.from({ fmsVer: flashServerVersion, capabilities: 127, mode: 1 });
  const info = AmfObject.from({
    level: 'status',
    code: 'NetConnection.Connect.Success',
    description: 'Connection succeeded',
    objectEncoding: request.objectEncoding,
    data: AmfEcmaArray.from({ version: flashServerNumber, ...data }),
  });
  const window = encodeWindowAcknowledgementSize({ windowSize: announcedWindow });
  const bandwidth = encodeSetPeerBandwidth({
    windowSize: announcedWindow,
    limitType: peerBandwidthLimit.dynamic,
  });
  return [
    controlMessage(messageType.windowAcknowledgementSize, window),
    controlMessage(messageType.setPeerBandwidth, bandwidth),
    commandMessage(0, '_result', request.transactionId, [properties, info]),
    commandMessage(0, 'onBWDone', 0, [null]),
  ];
}

/** The refusal of a `connect`; with `redirect`, the 302 form that sends the client elsewhere. */
export function connectRejected(transactionId: number, options: RejectConnectOptions): RtmpMessage {
  const { redirect } = options;
  const info = AmfObject.from({
    level: 'error',
    code: options.code ?? 'NetConnection.Connect.Rejected',
    description: options.description,
  });
  if (redirect !== undefined) {
    const redirect2 = redirect.streamUrl ?? redirect.url;
    info.set('ex', AmfObject.from({ code: 302, redirect: redirect.url, redirect2 }));
  }
  return commandMessage(0, '_error', transactionId, [null, info]);
}

/** Codes of refusals, unless the owner says otherwise. */
export const usualRefusalCodes = {
  publish: 'NetStream.Publish.BadName',
  play: 'NetStream.Play.Failed',
} as const;

/** The refusal of the request that waits for its answer in this phase; undefined when none does. */
export function refusalOf(
  phase: ServerSessionPhase,
  connectTransaction: number,
  { description, codes = {} }: CloseRefusal,
): RtmpMessage | undefined {
  switch (phase) {
    case 'connect-requested': {
      const code = codes.connect;
      return connectRejected(
        connectTransaction,
        code === undefined ? { description } : { code, description },
      );
    }
    case 'publish-requested':
      return statusMessage('error', codes.publish ?? usualRefusalCodes.publish, description);
    case 'play-requested':
      return statusMessage('error', codes.play ?? usualRefusalCodes.play, description);
    default:
      return undefined;
  }
}

/** What follows an accepted `publish` (Adobe RTMP 1.0, 7.2.2.6). */
export function publishAccepted(flavour: PublishFlavour): RtmpMessage[] {
  const code = 'NetStream.Publish.Start';
  const description = 'Started publishing stream.';
  const started = statusMessage('status', code, description, { clientid: clientId });
  if (flavour === 'flash-publish') {
    return [started];
  }
  const notice = AmfObject.from({ code, description });
  return [commandMessage(mediaStreamId, 'onFCPublish', 0, [null, notice]), started];
}

/** The status of a publish that its client has ended. */
export function unpublishSuccess(): RtmpMessage {
  return statusMessage('status', unpublished.code, unpublished.description, { clientid: clientId });
}

/** What follows FCUnpublish. */
export function unpublishDone(transactionId: number): RtmpMessage[] {
  return [
    commandMessage(mediaStreamId, 'onFCUnpublish', 0, [null, AmfObject.from(unpublished)]),
    commandMessage(mediaStreamId, '_result', transactionId, [null, undefined]),
    unpublishSuccess(),
  ];
}

/** `details` of what follows an accepted `play`, unless it is said otherwise. */
export const usualPlayDetails = 'stream';

/** Encoded once for all players: a burst of joins encodes these messages thousands of times a second else. */
const usualPlayAccepted: readonly RtmpMessage[] = encodePlayAccepted(usualPlayDetails);

/** What follows `playAccepted` for Flash: ffmpeg takes this data message for a stream of its own. */
const dataStart: RtmpMessage = dataMessage(['onStatus', AmfObject.from({ code: 'NetStream.Data.Start' })]);

/**
 * What follows an accepted `play`, in order (Adobe RTMP 1.0, 7.2.2.1). Shared by all sessions: not to be changed.
 *
 * @param flash - the client is a Flash player
 */
export function playAccepted(details: string, flash: boolean): readonly RtmpMessage[] {
  const messages = details === usualPlayDetails ? usualPlayAccepted : encodePlayAccepted(details);
  return flash ? [...messages, dataStart] : messages;
}

function encodePlayAccepted(details: string): RtmpMessage[] {
  const more = { details, clientid: clientId };
  return [
    streamEventMessage('streamBegin'),
    statusMessage('status', 'NetStream.Play.Reset', 'Playing and resetting stream.', more),
    statusMessage('status', 'NetStream.Play.Start', 'Started playing stream.', more),
    dataMessage(['|RtmpSampleAccess', true, true]),
  ];
}

/** The notices of a pause and of its end (Adobe RTMP 1.0, 7.2.2.8). */
export function pauseNotices(paused: boolean): RtmpMessage[] {
  const more = { details: 'stream', clientid: clientId };
  return paused
    ? [
        statusMessage('status', 'NetStream.Pause.Notify', 'Paused stream.', more),
        streamEventMessage('streamEof'),
      ]
    : [
        statusMessage('status', 'NetStream.Unpause.Notify', 'Unpaused stream.', more),
        streamEventMessage('streamBegin'),
      ];
}

function dataMessage(values: readonly AmfValue[]): RtmpMessage {
  return {
    chunkStreamId: serverChunkStream.stream,
    type: messageType.dataAmf0,
    streamId: mediaStreamId,
    timestamp: 0,
    payload: encodeData(messageType.dataAmf0, { values }),
  };
}
