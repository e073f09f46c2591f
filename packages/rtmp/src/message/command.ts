import { decodeAmf0, encodeAmf0 } from '@sluice/media/amf';
import type { AmfLimits, AmfValue } from '@sluice/media/amf';
import { concatBytes } from '@sluice/media/bytes';
import { RtmpError } from '../errors.ts';
import { decodeBody } from './decoding.ts';
import { messageType } from './types.ts';

/** A remote call, its result, or a notice (Adobe RTMP 1.0, 7.1.1). */
export interface Command {
  /** For instance `connect`, `_result`, `onStatus`. */
  readonly name: string;
  /** Names the call in its answer; 0 when no answer is wanted. */
  readonly transactionId: number;
  /** The command object first (null for most), then the arguments. */
  readonly args: readonly AmfValue[];
}

/** Types that carry commands. */
export type CommandMessageType = typeof messageType.commandAmf0 | typeof messageType.commandAmf3;

/**
 * Reads the body of a command. An AMF3 command is AMF0 behind one byte, which some senders leave out. A
 * missing transaction id reads as 0.
 *
 * @throws RtmpError `bad-message`
 */
export function decodeCommand(
  type: CommandMessageType,
  payload: Uint8Array,
  limits?: Partial<AmfLimits>,
): Command {
  return decodeBody('command', payload, () => {
    const body = type === messageType.commandAmf3 ? stripAmf3Lead(payload) : payload;
    const [name, transactionId, ...args] = decodeAmf0(body, limits);
    if (typeof name !== 'string') {
      throw new RtmpError('bad-message', `command must start with its name, got ${typeof name}`);
    }
    return { name, transactionId: typeof transactionId === 'number' ? transactionId : 0, args };
  });
}

/** Builds the body of a command. */
export function encodeCommand(type: CommandMessageType, command: Command): Uint8Array {
  const body = encodeAmf0(command.name, command.transactionId, ...command.args);
  return type === messageType.commandAmf3 ? concatBytes([Uint8Array.of(0), body]) : body;
}

/** A view without the zero that stands before the AMF0 values of an AMF3 message, if it is there. */
export function stripAmf3Lead(payload: Uint8Array): Uint8Array {
  return payload[0] === 0 ? payload.subarray(1) : payload;
}
