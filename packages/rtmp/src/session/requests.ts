import { AmfEcmaArray, AmfObject } from '@sluice/media/amf';
import type { AmfValue } from '@sluice/media/amf';
import { RtmpError } from '../errors.ts';
import { decodeCommand } from '../message/index.ts';
import type { Command, CommandMessageType } from '../message/index.ts';
import type { ConnectRequest, PlayRequest, PublishFlavour, PublishRequest } from './events.ts';
import type { RtmpLimits } from './limits.ts';
import { parseTcUrl, resolveStreamUrl } from './tc-url.ts';
import type { TcUrl } from './tc-url.ts';

/**
 * Reads a command within the session's limits.
 *
 * @throws RtmpError `message-too-large`, `bad-message`
 */
export function readCommand(type: CommandMessageType, payload: Uint8Array, limits: RtmpLimits): Command {
  if (payload.length > limits.maxCommandBytes) {
    throw new RtmpError(
      'message-too-large',
      `command of ${payload.length} bytes, at most ${limits.maxCommandBytes} are allowed`,
    );
  }
  return decodeCommand(type, payload, limits.amf);
}

/**
 * Reads `connect` (Adobe RTMP 1.0, 7.2.1.1).
 *
 * @throws RtmpError `tc-url`
 */
export function readConnect(command: Command, limits: RtmpLimits): ConnectRequest {
  const [commandObject, args] = command.args;
  const properties = isProperties(commandObject) ? commandObject : new AmfObject();
  const tcUrl = text(properties, 'tcUrl');
  if (tcUrl.trim() === '') {
    throw new RtmpError('tc-url', 'connect has no tcUrl');
  }
  if (tcUrl.length > limits.maxTcUrlBytes) {
    throw new RtmpError(
      'tc-url',
      `tcUrl of ${tcUrl.length} bytes, at most ${limits.maxTcUrlBytes} are allowed`,
    );
  }
  return {
    transactionId: command.transactionId,
    tcUrl,
    url: parseTcUrl(tcUrl, text(properties, 'app')),
    pageUrl: text(properties, 'pageUrl'),
    swfUrl: text(properties, 'swfUrl'),
    flashVer: text(properties, 'flashVer'),
    objectEncoding: properties.get('objectEncoding') === 3 ? 3 : 0,
    command: properties instanceof AmfObject ? properties : new AmfObject(properties),
    args: args instanceof AmfObject ? args : undefined,
  };
}

/**
 * Reads `publish` (Adobe RTMP 1.0, 7.2.2.6).
 *
 * @throws RtmpError `stream-name`
 */
export function readPublish(
  command: Command,
  tcUrl: TcUrl,
  flavour: PublishFlavour,
  limits: RtmpLimits,
): PublishRequest {
  const [, name, mode] = command.args;
  const streamName = checkStreamName('publish', name, limits);
  return {
    flavour,
    url: resolveStreamUrl(tcUrl, streamName),
    streamName,
    mode: typeof mode === 'string' && mode !== '' ? mode : 'live',
  };
}

/**
 * Reads `play` (Adobe RTMP 1.0, 7.2.2.1).
 *
 * @throws RtmpError `stream-name`
 */
export function readPlay(command: Command, tcUrl: TcUrl, limits: RtmpLimits): PlayRequest {
  const [, name, start, duration, reset] = command.args;
  const streamName = checkStreamName('play', name, limits);
  return {
    flavour: 'rtmp-play',
    url: resolveStreamUrl(tcUrl, streamName),
    streamName,
    start: finite(start, -2),
    duration: finite(duration, -1),
    reset: typeof reset === 'number' ? reset !== 0 : reset !== false,
  };
}

/** A name that is left out is empty: the URL may have it. */
function checkStreamName(command: string, name: AmfValue, limits: RtmpLimits): string {
  if (name === null || name === undefined) {
    return '';
  }
  if (typeof name !== 'string') {
    throw new RtmpError('stream-name', `${command} needs a stream name, got ${typeof name}`);
  }
  if (name.length > limits.maxStreamNameBytes) {
    throw new RtmpError(
      'stream-name',
      `stream name of ${name.length} bytes, at most ${limits.maxStreamNameBytes} are allowed`,
    );
  }
  return name;
}

function isProperties(value: AmfValue): value is AmfObject | AmfEcmaArray {
  return value instanceof AmfObject || value instanceof AmfEcmaArray;
}

function text(properties: AmfObject | AmfEcmaArray, name: string): string {
  const value = properties.get(name);
  return typeof value === 'string' ? value : '';
}

function finite(value: AmfValue, fallback: number): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : fallback;
}
