import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeFlvTag, type FlvTag, flvHeader } from '@sluice/media/flv';
import { describe, expect, it } from 'vitest';
import { BenchError } from './errors.ts';
import { buildPublishScript, loadPublishScript, type PublishScript } from './publish-script.ts';

const videoHeader = Uint8Array.of(0x17, 0, 0, 0, 0, 1, 2, 3);
const audioHeader = Uint8Array.of(0xaf, 0, 0x12, 0x10);

function video(timestamp: number, first = 0x27): FlvTag {
  return { type: 9, timestamp, body: Uint8Array.of(first, 1, 0, 0, 0, 0, 0, 0, 1, 0x41) };
}

function audio(timestamp: number): FlvTag {
  return { type: 8, timestamp, body: Uint8Array.of(0xaf, 1, 0x21) };
}

const tags: readonly FlvTag[] = [
  { type: 18, timestamp: 0, body: Uint8Array.of(2, 0, 10, ...Buffer.from('onMetaData'), 5) },
  { type: 9, timestamp: 0, body: videoHeader },
  { type: 8, timestamp: 0, body: audioHeader },
  video(100, 0x17),
  audio(105),
  audio(128),
  video(140),
  audio(151),
  video(180),
];

interface Message {
  type: number;
  timestamp: number;
  streamId: number | undefined;
  payload: number[];
}

/** Reads what one connection sends: the preamble, then `rounds` rounds. All fixtures fit one chunk each. */
function messagesOf(script: PublishScript, rounds: number): Message[] {
  const parts = [script.preamble(1)];
  for (let round = 0; round < rounds; round++) parts.push(...script.messages);
  const bytes = Buffer.concat(parts);
  const times = new Map<number, number>();
  const messages: Message[] = [];
  for (let at = 0; at < bytes.length;) {
    const format = (bytes[at] ?? 0) >> 6;
    const id = (bytes[at] ?? 0) & 0x3f;
    const value = bytes.readUIntBE(at + 1, 3);
    const size = bytes.readUIntBE(at + 4, 3);
    const timestamp = format === 0 ? value : (times.get(id) ?? NaN) + value;
    times.set(id, timestamp);
    const start = at + (format === 0 ? 12 : 8);
    messages.push({
      type: bytes[at + 7] ?? 0,
      timestamp,
      streamId: format === 0 ? bytes.readUInt32LE(at + 8) : undefined,
      payload: [...bytes.subarray(start, start + size)],
    });
    at = start + size;
  }
  return messages;
}

describe('buildPublishScript', () => {
  const script = buildPublishScript(tags);

  it('starts with metadata and both sequence headers on the message stream', () => {
    const [metadata, ...headers] = messagesOf(script, 0);
    expect(Buffer.from(metadata?.payload ?? []).toString('latin1')).toContain('@setDataFrame');
    expect(headers.map((header) => header.payload)).toEqual([[...videoHeader], [...audioHeader]]);
    expect(headers.every((header) => header.streamId === 1)).toBe(true);
  });

  it('gives each message its due time, in order', () => {
    expect([...script.dueMs]).toEqual([0, 5, 28, 40, 51, 80]);
    expect(script.durationMs).toBe(120);
  });

  it('has timestamps that go on evenly from round to round, from the first message on', () => {
    const all = messagesOf(script, 3).slice(3);
    const start = all[0]?.timestamp ?? 0;
    expect(all.map((message) => message.timestamp - start)).toEqual(
      [0, 120, 240].flatMap((round) => [...script.dueMs].map((due) => due + round)),
    );
    expect(messagesOf(script, 1).every((message) => message.timestamp >= 0)).toBe(true);
  });

  it('counts payload bytes', () => {
    expect([...script.messageBytes]).toEqual([10, 3, 3, 10, 3, 10]);
    expect(script.payloadBytes).toBe(39);
  });

  it('starts a track that has no sequence header with its last message', () => {
    const mp3 = [
      video(0, 0x17),
      ...[0, 26].map((time): FlvTag => ({ type: 8, timestamp: time, body: Uint8Array.of(0x2f, time) })),
    ];
    const messages = messagesOf(
      buildPublishScript([{ type: 9, timestamp: 0, body: videoHeader }, ...mp3]),
      1,
    );
    expect(messages.filter((message) => message.type === 8).map((message) => message.payload[1])).toEqual([
      26, 0, 26,
    ]);
  });

  it('splits messages that are longer than a chunk', () => {
    const body = new Uint8Array(130_000).fill(9);
    body.set([0x17, 1, 0, 0, 0]);
    const message =
      buildPublishScript([{ type: 9, timestamp: 0, body }], { chunkSize: 4096 }).messages[0] ??
      new Uint8Array(0);
    expect(message.length).toBe(8 + 130_000 + 31);
    expect([message[0], message[8 + 4096], message[9 + 2 * 4096]]).toEqual([0x46, 0xc6, 0xc6]);
  });

  it('makes room for stamps in video only', () => {
    const { stampOffsets, messages } = buildPublishScript(tags, { stamped: true });
    expect([...stampOffsets].map((offset) => offset >= 0)).toEqual([true, false, false, true, false, true]);
    expect(Buffer.from(messages[0] ?? []).indexOf('SluiceBenchStamp') + 16).toBe(stampOffsets[0]);
  });

  it('refuses what it cannot publish', () => {
    expect(() => buildPublishScript([])).toThrow(BenchError);
    expect(() => buildPublishScript([video(500), video(100)])).toThrow(/jump by -400 ms/);
  });
});

describe('loadPublishScript', () => {
  it('reads an FLV file, and names a file that it cannot use', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
    try {
      const good = join(folder, 'good.flv');
      writeFileSync(
        good,
        Buffer.concat([flvHeader({ audio: true, video: true }), ...tags.map(encodeFlvTag)]),
      );
      expect(loadPublishScript(good).messages).toEqual(buildPublishScript(tags).messages);
      const bad = join(folder, 'bad.flv');
      writeFileSync(bad, 'not an FLV file, whatever its name says');
      expect(() => loadPublishScript(bad)).toThrow(/bad\.flv/);
      expect(() => loadPublishScript(join(folder, 'absent.flv'))).toThrow(/absent\.flv/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
