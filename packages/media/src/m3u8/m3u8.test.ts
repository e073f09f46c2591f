import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { MediaError } from '../errors.ts';
import {
  buildMasterPlaylist,
  buildMediaPlaylist,
  DEFAULT_M3U8_LIMITS,
  isMasterPlaylist,
  type MasterPlaylist,
  type MediaPlaylist,
  parsePlaylist,
  type PlaylistSegment,
} from './index.ts';

const iv = Uint8Array.from({ length: 16 }, (_, index) => index);

/** One table for both directions: a playlist and its text. */
const media: readonly (readonly [name: string, playlist: MediaPlaylist, lines: readonly string[]])[] = [
  [
    'L012 the form of SRS, version 3',
    {
      version: 3,
      allowCache: true,
      mediaSequence: 7,
      targetDuration: 15,
      segments: [
        { uri: 'livestream-7.ts', duration: 9.9, title: 'no desc' },
        { uri: 'livestream-8.ts', duration: 10, title: 'no desc', discontinuity: true },
      ],
    },
    [
      '#EXTM3U',
      '#EXT-X-VERSION:3',
      '#EXT-X-ALLOW-CACHE:YES',
      '#EXT-X-MEDIA-SEQUENCE:7',
      '#EXT-X-TARGETDURATION:15',
      '#EXTINF:9.900, no desc',
      'livestream-7.ts',
      '#EXT-X-DISCONTINUITY',
      '#EXTINF:10.000, no desc',
      'livestream-8.ts',
    ],
  ],
  [
    'version 6: independent segments, discontinuities that left, program date and time',
    {
      version: 6,
      independentSegments: true,
      mediaSequence: 0,
      discontinuitySequence: 2,
      targetDuration: 6,
      segments: [{ uri: 'a%20b.ts', duration: 4.004, programDateTime: Date.UTC(2026, 10, 21, 1, 2, 3, 45) }],
    },
    [
      '#EXTM3U',
      '#EXT-X-VERSION:6',
      '#EXT-X-INDEPENDENT-SEGMENTS',
      '#EXT-X-MEDIA-SEQUENCE:0',
      '#EXT-X-DISCONTINUITY-SEQUENCE:2',
      '#EXT-X-TARGETDURATION:6',
      '#EXT-X-PROGRAM-DATE-TIME:2026-11-21T01:02:03.045Z',
      '#EXTINF:4.004,',
      'a%20b.ts',
    ],
  ],
  [
    'keys are printed where they change',
    {
      version: 3,
      mediaSequence: 1,
      targetDuration: 4,
      segments: [
        { uri: '1.ts', duration: 4, key: { method: 'AES-128', uri: 'https://k/a,b.key', iv } },
        { uri: '2.ts', duration: 4, key: { method: 'AES-128', uri: 'https://k/a,b.key', iv } },
        { uri: '3.ts', duration: 4 },
        { uri: '4.ts', duration: 4, key: { method: 'AES-128', uri: 'k2.key' } },
      ],
    },
    [
      '#EXTM3U',
      '#EXT-X-VERSION:3',
      '#EXT-X-MEDIA-SEQUENCE:1',
      '#EXT-X-TARGETDURATION:4',
      '#EXT-X-KEY:METHOD=AES-128,URI="https://k/a,b.key",IV=0x000102030405060708090a0b0c0d0e0f',
      '#EXTINF:4.000,',
      '1.ts',
      '#EXTINF:4.000,',
      '2.ts',
      '#EXT-X-KEY:METHOD=NONE',
      '#EXTINF:4.000,',
      '3.ts',
      '#EXT-X-KEY:METHOD=AES-128,URI="k2.key"',
      '#EXTINF:4.000,',
      '4.ts',
    ],
  ],
  [
    'VOD with byte ranges and an initialisation section',
    {
      version: 6,
      playlistType: 'VOD',
      mediaSequence: 0,
      targetDuration: 10,
      endList: true,
      segments: [
        {
          uri: 'm.mp4',
          duration: 10,
          map: { uri: 'm.mp4', byteRange: { length: 800, offset: 0 } },
          byteRange: { length: 1000, offset: 800 },
        },
        {
          uri: 'm.mp4',
          duration: 2.5,
          map: { uri: 'm.mp4', byteRange: { length: 800, offset: 0 } },
          byteRange: { length: 300 },
        },
      ],
    },
    [
      '#EXTM3U',
      '#EXT-X-VERSION:6',
      '#EXT-X-PLAYLIST-TYPE:VOD',
      '#EXT-X-MEDIA-SEQUENCE:0',
      '#EXT-X-TARGETDURATION:10',
      '#EXT-X-MAP:URI="m.mp4",BYTERANGE="800@0"',
      '#EXT-X-BYTERANGE:1000@800',
      '#EXTINF:10.000,',
      'm.mp4',
      '#EXT-X-BYTERANGE:300',
      '#EXTINF:2.500,',
      'm.mp4',
      '#EXT-X-ENDLIST',
    ],
  ],
];

const master: readonly (readonly [name: string, playlist: MasterPlaylist, lines: readonly string[]])[] = [
  [
    'one variant with all that is known',
    {
      version: 6,
      independentSegments: true,
      variants: [
        {
          uri: 'livestream.m3u8?hls_ctx=abc',
          bandwidth: 258000,
          averageBandwidth: 240000,
          codecs: 'avc1.64001f,mp4a.40.2',
          width: 1280,
          height: 720,
          frameRate: 29.97,
        },
      ],
    },
    [
      '#EXTM3U',
      '#EXT-X-VERSION:6',
      '#EXT-X-INDEPENDENT-SEGMENTS',
      '#EXT-X-STREAM-INF:BANDWIDTH=258000,AVERAGE-BANDWIDTH=240000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=29.970',
      'livestream.m3u8?hls_ctx=abc',
    ],
  ],
  [
    'renditions',
    {
      renditions: [
        {
          type: 'AUDIO',
          groupId: 'a',
          name: 'Deutsch',
          language: 'de',
          isDefault: true,
          autoselect: true,
          uri: 'de.m3u8',
        },
      ],
      variants: [{ uri: 'v.m3u8', bandwidth: 1, audio: 'a', video: 'v', subtitles: 's' }],
    },
    [
      '#EXTM3U',
      '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="Deutsch",LANGUAGE="de",DEFAULT=YES,AUTOSELECT=YES,URI="de.m3u8"',
      '#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="a",VIDEO="v",SUBTITLES="s"',
      'v.m3u8',
    ],
  ],
];

function textOf(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}

function simple(segment: Partial<PlaylistSegment>, version = 3): MediaPlaylist {
  return {
    version,
    mediaSequence: 0,
    targetDuration: 10,
    segments: [{ uri: 'a.ts', duration: 10, ...segment }],
  };
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof MediaError) return error.code;
    throw error;
  }
  return 'none';
}

describe('media playlists', () => {
  for (const [name, playlist, lines] of media) {
    it(`${name}: printed`, () => {
      expect(buildMediaPlaylist(playlist)).toBe(textOf(lines));
    });
    it(`${name}: parsed, with LF and with CR LF`, () => {
      expect(parsePlaylist(textOf(lines))).toEqual(playlist);
      expect(parsePlaylist(lines.join('\r\n'))).toEqual(playlist);
    });
  }

  it('prints whole seconds before version 3', () => {
    expect(buildMediaPlaylist(simple({ duration: 9.6 }, 2))).toContain('#EXTINF:10,\n');
  });

  it('no URI, title or key breaks its line', () => {
    const key = { method: 'AES-128', uri: 'k"\n#EXT-X-ENDLIST\n' } as const;
    const text = buildMediaPlaylist(simple({ uri: '#a\r\nb\u2028', title: 'x\n#EXT-X-ENDLIST', key }));
    expect(text.split('\n')).toEqual([
      '#EXTM3U',
      '#EXT-X-VERSION:3',
      '#EXT-X-MEDIA-SEQUENCE:0',
      '#EXT-X-TARGETDURATION:10',
      '#EXT-X-KEY:METHOD=AES-128,URI="k%22%0A#EXT-X-ENDLIST%0A"',
      '#EXTINF:10.000, x%0A#EXT-X-ENDLIST',
      './%23a%0D%0Ab',
      '',
    ]);
  });

  it('refuses what would not be true or not be readable', () => {
    expect(codeOf(() => buildMediaPlaylist(simple({ duration: 10.5 })))).toBe('bad-value');
    expect(codeOf(() => buildMediaPlaylist(simple({ duration: NaN })))).toBe('bad-value');
    expect(codeOf(() => buildMediaPlaylist(simple({ duration: -1 })))).toBe('bad-value');
    expect(codeOf(() => buildMediaPlaylist(simple({ uri: ' ' })))).toBe('bad-value');
    expect(codeOf(() => buildMediaPlaylist(simple({ key: { method: 'AES-128' } })))).toBe('bad-value');
    const short = { method: 'AES-128', uri: 'k', iv: new Uint8Array(15) } as const;
    expect(codeOf(() => buildMediaPlaylist(simple({ key: short })))).toBe('bad-value');
    expect(codeOf(() => buildMediaPlaylist({ ...simple({}), mediaSequence: 0.5 }))).toBe('bad-value');
    expect(codeOf(() => buildMediaPlaylist(simple({ programDateTime: NaN })))).toBe('bad-value');
  });

  it('reads an IV with its leading zeros left out', () => {
    const text =
      '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-KEY:METHOD=AES-128,URI="k",IV=0Xff\n#EXTINF:1,\na\n';
    const playlist = parsePlaylist(text);
    expect(isMasterPlaylist(playlist)).toBe(false);
    const key = isMasterPlaylist(playlist) ? undefined : playlist.segments[0]?.key;
    expect(key?.iv).toEqual(Uint8Array.from({ length: 16 }, (_, index) => (index === 15 ? 255 : 0)));
  });

  it('skips tags that it does not know, comments and empty lines', () => {
    const text =
      '#EXTM3U\n\n# a comment\n#EXT-X-START:TIME-OFFSET=1\n#EXT-X-TARGETDURATION:3\n#EXTINF:3\na.ts';
    expect(parsePlaylist(text)).toEqual({
      version: 1,
      mediaSequence: 0,
      targetDuration: 3,
      segments: [{ uri: 'a.ts', duration: 3 }],
    });
  });
});

describe('master playlists', () => {
  for (const [name, playlist, lines] of master) {
    it(`${name}: printed`, () => {
      expect(buildMasterPlaylist(playlist)).toBe(textOf(lines));
    });
    it(`${name}: parsed`, () => {
      const parsed = parsePlaylist(textOf(lines));
      expect(isMasterPlaylist(parsed)).toBe(true);
      expect(parsed).toEqual(playlist);
    });
  }
});

describe('playlists from outside', () => {
  const head = '#EXTM3U\n#EXT-X-TARGETDURATION:3\n';
  const bad: readonly (readonly [name: string, text: string, code: string])[] = [
    ['nothing', '', 'bad-value'],
    ['no #EXTM3U', '#EXT-X-TARGETDURATION:3\n', 'bad-value'],
    ['a byte order mark', `\uFEFF${head}`, 'bad-value'],
    ['no target duration', '#EXTM3U\n#EXTINF:3,\na.ts\n', 'bad-value'],
    ['a URI without EXTINF', `${head}a.ts\n`, 'bad-value'],
    ['EXTINF without URI', `${head}#EXTINF:3,\n`, 'bad-value'],
    ['a duration that is none', `${head}#EXTINF:x,\na.ts\n`, 'bad-value'],
    ['a negative duration', `${head}#EXTINF:-1,\na.ts\n`, 'bad-value'],
    ['a sequence out of range', `${head}#EXT-X-MEDIA-SEQUENCE:99999999999999999999\n`, 'bad-value'],
    ['a cut attribute list', `${head}#EXT-X-KEY:METHOD=AES-128,URI="k\n`, 'bad-value'],
    ['an attribute said twice', `${head}#EXT-X-KEY:METHOD=NONE,METHOD=NONE\n`, 'bad-value'],
    ['a key without URI', `${head}#EXT-X-KEY:METHOD=AES-128\n`, 'bad-value'],
    ['a key method of tomorrow', `${head}#EXT-X-KEY:METHOD=AES-512,URI="k"\n`, 'unsupported'],
    ['a key format of others', `${head}#EXT-X-KEY:METHOD=SAMPLE-AES,URI="k",KEYFORMAT="x"\n`, 'unsupported'],
    ['an IV too long', `${head}#EXT-X-KEY:METHOD=AES-128,URI="k",IV=0x${'0'.repeat(33)}\n`, 'bad-value'],
    ['a time that is none', `${head}#EXT-X-PROGRAM-DATE-TIME:soon\n`, 'bad-value'],
    ['a byte range that is none', `${head}#EXT-X-BYTERANGE:1@2@3\n`, 'bad-value'],
    ['a map without URI', `${head}#EXT-X-MAP:BYTERANGE="1@2"\n`, 'bad-value'],
    ['a variant without bandwidth', '#EXTM3U\n#EXT-X-STREAM-INF:CODECS="x"\na\n', 'bad-value'],
    ['a variant without URI', '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n', 'bad-value'],
    ['a size that is none', '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=1\na\n', 'bad-value'],
    ['a rendition of no kind', '#EXTM3U\n#EXT-X-MEDIA:TYPE=SMELL,GROUP-ID="a",NAME="b"\n', 'bad-value'],
    ['a rendition without name', '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a"\n', 'bad-value'],
    [
      'both kinds in one',
      `${head}#EXTINF:1,\na\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="b"\n`,
      'bad-value',
    ],
  ];
  for (const [name, text, code] of bad) {
    it(`refuses ${name}`, () => {
      expect(codeOf(() => parsePlaylist(text))).toBe(code);
    });
  }

  it('has limits for characters, lines, entries and attributes', () => {
    const segments = `${head}#EXTINF:1,\na\n#EXTINF:1,\nb\n`;
    const attributes = `${head}#EXT-X-KEY:METHOD=NONE,A=1,B=2\n`;
    const limits = DEFAULT_M3U8_LIMITS;
    expect(codeOf(() => parsePlaylist(segments, { ...limits, maxCharacters: 20 }))).toBe('limit-exceeded');
    expect(codeOf(() => parsePlaylist(segments, { ...limits, maxLines: 5 }))).toBe('limit-exceeded');
    expect(codeOf(() => parsePlaylist(segments, { ...limits, maxLines: 6 }))).toBe('none');
    expect(codeOf(() => parsePlaylist(segments, { ...limits, maxSegments: 1 }))).toBe('limit-exceeded');
    expect(codeOf(() => parsePlaylist(segments, { ...limits, maxSegments: 2 }))).toBe('none');
    expect(codeOf(() => parsePlaylist(attributes, { ...limits, maxAttributes: 2 }))).toBe('limit-exceeded');
    expect(codeOf(() => parsePlaylist(attributes, { ...limits, maxAttributes: 3 }))).toBe('none');
  });

  it('throws nothing but MediaError for mutated text', () => {
    const seeds = [...media, ...master].map(([, , lines]) => textOf(lines));
    const mutation = fc.record({
      seed: fc.constantFrom(...seeds),
      at: fc.nat(2000),
      remove: fc.nat(40),
      insert: fc.oneof(
        fc.string({ unit: 'binary', maxLength: 20 }),
        fc.constantFrom('\n', '"', '=', ',', '@'),
      ),
    });
    fc.assert(
      fc.property(mutation, ({ seed, at, remove, insert }) => {
        const from = at % seed.length;
        codeOf(() => parsePlaylist(seed.slice(0, from) + insert + seed.slice(from + remove)));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('print, then parse', () => {
  const uri = fc.webPath().filter((path) => path !== '' && !path.startsWith('#'));
  const key = fc.record({
    method: fc.constantFrom('AES-128' as const, 'SAMPLE-AES' as const),
    uri: fc.webUrl(),
    iv: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  });
  const segment = fc.record(
    {
      uri,
      duration: fc.nat(20_000).map((ms) => ms / 1000),
      title: fc.constantFrom('no desc', 'Titel, mit Komma', '直播'),
      discontinuity: fc.constant(true),
      programDateTime: fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) }).map(Number),
      key,
      byteRange: fc.record({ length: fc.nat(), offset: fc.nat() }),
    },
    { requiredKeys: ['uri', 'duration'] },
  );
  const playlist = fc.record(
    {
      version: fc.integer({ min: 3, max: 7 }),
      allowCache: fc.boolean(),
      targetDuration: fc.constant(20),
      mediaSequence: fc.nat(),
      discontinuitySequence: fc.integer({ min: 1, max: 9999 }),
      playlistType: fc.constantFrom('VOD' as const, 'EVENT' as const),
      independentSegments: fc.constant(true),
      endList: fc.constant(true),
      segments: fc.array(segment, { maxLength: 12 }),
    },
    { requiredKeys: ['version', 'targetDuration', 'mediaSequence', 'segments'] },
  );

  it('gives back every media playlist', () => {
    fc.assert(
      fc.property(playlist, (value) => {
        expect(parsePlaylist(buildMediaPlaylist(value))).toEqual(value);
      }),
    );
  });

  it('keeps any URI on one line, the same after a second round', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (odd) => {
        fc.pre(odd.trim() !== '');
        const text = buildMediaPlaylist(simple({ uri: odd }));
        expect(text.split('\n')).toHaveLength(7);
        expect(buildMediaPlaylist({ ...parsePlaylist(text) } as MediaPlaylist)).toBe(text);
      }),
    );
  });
});
