/** What the tests of HDS share: a disk in memory that can fail, numbered frames, and what a player makes of the files. */
import { flvHeader, FlvReader } from '@sluice/media/flv';
import { type Bootstrap, hdsFragmentTags, parseBootstrap } from '@sluice/media/hds';
import type { KeptPacket } from '@sluice/media/model';

import { defaultVhost, type VhostConfig } from '../../config/index.ts';
import { packetOf } from '../../live/packet-test-kit.ts';
import { type Disk, DiskError, type DiskErrorCode, type DiskFile } from '../disk/index.ts';

/** A disk in memory. */
export class MemoryDisk implements Disk {
  readonly files = new Map<string, Uint8Array>();
  /** Paths in the order of their writes. */
  readonly writes: string[] = [];
  /** What every write fails with. */
  failure: DiskErrorCode | undefined;
  /** Writes wait for this. */
  gate: Promise<void> = Promise.resolve();

  names(): string[] {
    return [...this.files.keys()].sort();
  }

  bytes(path: string): Uint8Array {
    const bytes = this.files.get(path);
    if (bytes === undefined) throw new Error(`${path} is not there: ${this.names().join(' ')}`);
    return bytes;
  }

  text(path: string): string {
    return Buffer.from(this.bytes(path)).toString();
  }

  async write(path: string, pieces: Uint8Array | readonly Uint8Array[]): Promise<void> {
    await this.gate;
    if (this.failure !== undefined) throw new DiskError(this.failure, path, `${path}: ${this.failure}`);
    this.writes.push(path);
    this.files.set(path, Buffer.concat(pieces instanceof Uint8Array ? [pieces] : pieces));
  }

  open(path: string): Promise<DiskFile> {
    const bytes = Buffer.from(this.bytes(path));
    const refuse = () => Promise.reject(new Error('the file is only read'));
    return Promise.resolve({
      path,
      size: bytes.length,
      read: (position, length) => Promise.resolve(bytes.subarray(position, position + length)),
      close: () => Promise.resolve(),
      append: refuse,
      writeAt: refuse,
      truncate: refuse,
    });
  }

  remove(path: string): Promise<void> {
    this.files.delete(path);
    return Promise.resolve();
  }

  size(path: string): Promise<number | undefined> {
    return Promise.resolve(this.files.get(path)?.length);
  }

  rename(): Promise<void> {
    return Promise.reject(new Error('HDS renames nothing by itself'));
  }

  readText(): Promise<string | undefined> {
    return Promise.reject(new Error('HDS reads no text'));
  }

  list(): Promise<readonly never[]> {
    return Promise.reject(new Error('HDS lists no directory'));
  }
}

/** A vhost with HDS under `/hds`. */
export function hdsVhost(fragmentMs = 1000, windowMs = 5000): Pick<VhostConfig, 'hds'> {
  return { hds: { ...defaultVhost().hds, enabled: true, fragmentMs, windowMs, path: '/hds' } };
}

const HEADERS = { video: '17000000000164001f', audio: 'af001210' } as const;

/** A sequence header. */
export function header(kind: keyof typeof HEADERS, timestamp = 0): KeptPacket {
  return packetOf(kind, timestamp, Buffer.from(HEADERS[kind], 'hex'));
}

/** A picture that is told by its time. */
export function picture(timestamp: number, key = false, size = 20): KeptPacket {
  const body = Buffer.alloc(Math.max(9, size));
  body.set([key ? 0x17 : 0x27, 1]);
  body.writeUInt32BE(timestamp, 5);
  return packetOf('video', timestamp, body);
}

/** A sound that is told by its time. */
export function sound(timestamp: number): KeptPacket {
  const body = Buffer.alloc(12);
  body.set([0xaf, 1]);
  body.writeUInt32BE(timestamp, 2);
  return packetOf('audio', timestamp, body);
}

/** What is in a fragment: `hv@0` and `ha@0` for headers, `V0`, `v40`, `a23` for media, by their times. */
export function tagsOf(fragment: Uint8Array): string[] {
  const reader = new FlvReader();
  const head = flvHeader({ audio: true, video: true });
  const tags = reader.write(Buffer.concat([head, hdsFragmentTags(fragment)]));
  if (reader.end().cut) throw new Error('a fragment ends inside a tag');
  return tags.map(({ type, timestamp, body }) => {
    const name = type === 9 ? 'v' : 'a';
    if (body[1] === 0) return `h${name}@${timestamp}`;
    return `${name === 'v' && body[0] === 0x17 ? 'V' : name}${timestamp}`;
  });
}

/** The bootstrap's fragments, as `number@start+duration`, and its marks as `!kind`. */
export function listed(bootstrap: Bootstrap): string[] {
  return (bootstrap.fragmentRunTables[0]?.runs ?? []).map(
    ({ firstFragment, firstTimestamp, duration, discontinuity }) =>
      discontinuity === undefined ? `${firstFragment}@${firstTimestamp}+${duration}` : `!${discontinuity}`,
  );
}

/** The bootstrap of the test's stream. */
export function bootstrapOf(disk: MemoryDisk, path = '/hds/live/x.abst'): Bootstrap {
  return parseBootstrap(disk.bytes(path));
}
