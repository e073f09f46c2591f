import { AmfEcmaArray, AmfObject } from '@sluice/media/amf';
import type { AmfValue } from '@sluice/media/amf';
import type { RtmpStatus } from '../errors.ts';

/** What a server says about itself when it accepts `connect`. */
export interface ServerProperties {
  /** For instance `FMS/3,5,3,888`; empty when not sent. */
  readonly fmsVersion: string;
  /** The information's `data`: for a Sluice or SRS server its name, version, address, process and session id. */
  readonly data: ReadonlyMap<string, AmfValue>;
}

/**
 * Reads an information object of `onStatus` or `_error`; what is missing gets a default.
 *
 * @param code used when there is none
 */
export function readStatus(value: AmfValue, code: string): RtmpStatus {
  const redirect = textOf(propertiesOf(value).get('ex'), 'redirect');
  return {
    level: textOf(value, 'level') || 'error',
    code: textOf(value, 'code') || code,
    description: textOf(value, 'description'),
    ...(redirect === '' ? {} : { redirect }),
  };
}

/** Reads the values of connect's `_result`. */
export function readServerProperties(args: readonly AmfValue[]): ServerProperties {
  return {
    fmsVersion: textOf(args[0], 'fmsVer'),
    data: propertiesOf(propertiesOf(args[1]).get('data')),
  };
}

function propertiesOf(value: AmfValue): ReadonlyMap<string, AmfValue> {
  return value instanceof AmfObject || value instanceof AmfEcmaArray ? value : new Map<string, AmfValue>();
}

function textOf(value: AmfValue, name: string): string {
  const text = propertiesOf(value).get(name);
  return typeof text === 'string' ? text : '';
}
