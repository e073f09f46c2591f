import { AmfEcmaArray, encodeAmf0 } from '@sluice/media/amf';
import { encodeFlvTag, flvHeader, flvTagTypeOf, FlvTagType, parseFlvMetadata } from '@sluice/media/flv';
import { describe, expect, it } from 'vitest';

import { audio, avcHeader, brief, dvr, FakeDisk, settle, tagsOf, vhostWith, video } from './test-kit.ts';

const PATH = './rec/live/cam.flv';

/** An FLV file of another writer. */
function foreign(metadata: Readonly<Record<string, number | string>> | undefined): Uint8Array {
  const tags = [flvHeader({ audio: true, video: true })];
  if (metadata !== undefined) {
    const body = encodeAmf0('onMetaData', AmfEcmaArray.from(metadata));
    tags.push(encodeFlvTag({ type: FlvTagType.script, timestamp: 0, body }));
  }
  for (const { track, timestamp, body } of [avcHeader(), video(0, true), audio(10), video(40), audio(50)]) {
    tags.push(encodeFlvTag({ type: flvTagTypeOf(track.kind), timestamp, body }));
  }
  return Buffer.concat(tags);
}

async function appended(bytes: Uint8Array): Promise<Uint8Array> {
  const disk = new FakeDisk();
  disk.put(PATH, bytes);
  const { publish, sinks } = dvr({ disk, vhost: vhostWith({ path: './rec/[app]/[stream].flv' }) });
  const stream = publish();
  stream.start();
  stream.write(video(7_000, true), video(7_040));
  await settle();
  await sinks.close();
  expect(disk.names()).toEqual([PATH]);
  return disk.bytes(PATH);
}

describe('a file of another writer', () => {
  it('V003 V004 is written on; of its metadata the numbers that are there are put right', async () => {
    const bytes = await appended(foreign({ filesize: 0, title: 'duration', duration: 0.05, width: 9 }));
    const tags = tagsOf(bytes);
    expect(brief(tags).slice(-4)).toEqual(['ah@90', 'vh@90', 'k@90', 'v@130']);
    const metadata = parseFlvMetadata(tags[0]?.body ?? new Uint8Array(0));
    expect(metadata).toMatchObject({ duration: 0.13, fileSize: bytes.length, width: 9 });
  });

  it.each([[{ width: 9 }], [undefined]])('V003 is written on whatever its metadata: %j', async (metadata) => {
    const before = foreign(metadata);
    const bytes = await appended(before);
    expect(Buffer.compare(bytes.subarray(0, before.length), before)).toBe(0);
    expect(brief(tagsOf(bytes)).at(-1)).toBe('v@130');
  });

  it('V003 is cut at its last whole tag, found from the end or from the head', async () => {
    const whole = foreign({ width: 9 });
    for (const cut of [whole.length - 1, whole.length - 5, whole.length - 20]) {
      const tags = brief(tagsOf(await appended(whole.subarray(0, cut))));
      expect(tags.slice(0, 5)).toEqual(['m@0', 'vh@0', 'k@0', 'a@10', 'v@40']);
      expect(tags).toHaveLength(9);
    }
  });

  it('V003 with sizes that lie is still read by its tags', async () => {
    const bytes = foreign({ width: 9 }).slice();
    // A PreviousTagSize at the end that leads into the middle of a tag.
    bytes.set([0, 0, 0, 17], bytes.length - 4);
    const tags = brief(tagsOf(await appended(bytes)));
    expect(tags.slice(0, 5)).toEqual(['m@0', 'vh@0', 'k@0', 'a@10', 'v@40']);
  });
});
