'use strict';

/**
 * The house's import arrows (docs/architecture.md). A rule says what may not be; what no rule names may be.
 * Unit tests stand beside the code and may look further, so the rules about rooms leave them out.
 */

const TESTS = '[.](test|bench)[.]ts$';

/** Only these rooms of `@sluice/media` may be imported by `room`. */
function mediaRoom(room, allowed) {
  const rooms = [room, ...allowed].join('|');
  return {
    name: `media-${room}`,
    comment: `@sluice/media: ${room} imports ${allowed.join(', ') || 'nothing'} (and errors.ts) only`,
    severity: 'error',
    from: { path: `^packages/media/src/${room}/`, pathNot: TESTS },
    to: { path: '^packages/media/src/', pathNot: `^packages/media/src/(errors[.]ts$|(${rooms})/)` },
  };
}

/** Only these places of the server's source may be imported by `room`; `also` forbids more, such as sockets. */
function serverRoom(room, allowed) {
  const places = [
    `${room}/`,
    'version[.]ts$',
    'errors[.]ts$',
    'background[.]ts$',
    'error-text[.]ts$',
    ...allowed,
  ].join('|');
  return {
    name: `server-${room.replaceAll('/', '-')}`,
    comment: `server: ${room} imports ${allowed.join(', ') || 'no other room'} only`,
    severity: 'error',
    from: { path: `^packages/server/src/${room}/`, pathNot: TESTS },
    to: { path: '^packages/server/src/', pathNot: `^packages/server/src/(${places})` },
  };
}

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'A cycle has no bottom to start reading from',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-unresolvable',
      comment: 'An import that resolves to nothing',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-undeclared-dependency',
      comment: "A package is imported that its importer's package.json does not name",
      severity: 'error',
      from: { path: '^packages/[^/]+/src/', pathNot: TESTS },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev'] },
    },
    {
      name: 'packages-by-name',
      comment: 'Packages import each other by name, through exports',
      severity: 'error',
      from: { path: '^packages/([^/]+)/' },
      to: { path: '^packages/(?!$1/)', dependencyTypes: ['local'] },
    },
    {
      name: 'not-to-tests',
      comment: 'Nothing imports a test',
      severity: 'error',
      from: {},
      to: { path: TESTS },
    },
    {
      name: 'rooms-by-index',
      comment: 'A room is imported by its index.ts (the typed configuration also by config/types.ts)',
      severity: 'error',
      from: { path: '^packages/([^/]+)/src/([^/]+)/', pathNot: TESTS },
      to: {
        path: '^packages/$1/src/(?!$2/)[^/]+/',
        pathNot:
          '/src/(((servers|sinks|relay)/)?[^/]+/index[.]ts|config/types[.]ts|live/packet-test-kit[.]ts)$',
      },
    },

    // @sluice/media: pure functions, no I/O, runs in a browser too.
    {
      name: 'media-is-pure',
      comment: '@sluice/media imports nothing outside itself',
      severity: 'error',
      from: { path: '^packages/media/src/', pathNot: TESTS },
      to: { pathNot: '^packages/media/src/' },
    },
    mediaRoom('bytes', []),
    mediaRoom('amf', ['bytes']),
    mediaRoom('avc', ['bytes']),
    mediaRoom('hevc', ['bytes', 'avc']),
    mediaRoom('av1', ['bytes']),
    mediaRoom('aac', ['bytes']),
    mediaRoom('mp3', ['bytes']),
    mediaRoom('model', ['bytes', 'avc', 'hevc', 'av1', 'aac']),
    mediaRoom('mpegts', ['bytes', 'avc', 'hevc', 'aac', 'mp3']),
    mediaRoom('mp4', ['bytes', 'avc', 'hevc', 'av1', 'aac']),
    mediaRoom('m3u8', ['bytes']),
    mediaRoom('hds', ['bytes', 'flv']),
    mediaRoom('remux', ['bytes', 'aac', 'mp3', 'model', 'flv', 'mpegts', 'mp4']),
    mediaRoom('flv', ['bytes', 'amf', 'model']),

    // @sluice/rtmp: sans-I/O; one room touches sockets.
    {
      name: 'rtmp-imports',
      comment: '@sluice/rtmp imports @sluice/media only',
      severity: 'error',
      from: { path: '^packages/rtmp/(src|examples)/', pathNot: TESTS },
      to: { pathNot: ['^packages/(rtmp|media)/src/'], dependencyTypesNot: ['core'] },
    },
    {
      name: 'rtmp-sockets-in-node',
      comment: 'In @sluice/rtmp only node/ and the examples touch the operating system',
      severity: 'error',
      from: { path: '^packages/rtmp/src/', pathNot: [TESTS, '^packages/rtmp/src/node/'] },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?crypto$' },
    },
    {
      name: 'rtmp-crypto-in-handshake',
      comment: 'node:crypto is for the handshake only',
      severity: 'error',
      from: { path: '^packages/rtmp/src/', pathNot: [TESTS, '^packages/rtmp/src/(node|handshake)/'] },
      to: { path: '^(node:)?crypto$' },
    },

    // @sluice/bench: load clients, which measure a server from outside and share no code with it.
    {
      name: 'bench-imports',
      comment: '@sluice/bench imports @sluice/media and its command line libraries only',
      severity: 'error',
      from: { path: '^packages/bench/src/', pathNot: TESTS },
      to: { path: '^packages/(?!bench/|media/)' },
    },

    // The server's rooms.
    serverRoom('config', []),
    serverRoom('stats', []),
    serverRoom('security', ['config/', 'stats/']),
    serverRoom('log', ['config/', 'stats/', 'security/']),
    serverRoom('service', ['config/', 'log/']),
    serverRoom('metrics', ['stats/', 'live/']),
    serverRoom('tls', ['config/', 'log/']),
    serverRoom('bandwidth', ['config/', 'security/']),
    serverRoom('hooks', ['config/', 'security/', 'stats/']),
    serverRoom('timing', []),
    serverRoom('live', ['config/types[.]ts', 'config/index[.]ts', 'timing/']),
    {
      name: 'server-live-is-pure',
      comment: 'live/ knows no protocol and no socket: the configuration and @sluice/media only',
      severity: 'error',
      from: { path: '^packages/server/src/live/', pathNot: TESTS },
      to: { pathNot: ['^packages/server/src/', '^packages/media/src/'] },
    },
    serverRoom('remux', ['config/', 'live/']),
    {
      name: 'server-remux-is-pure',
      comment: 'remux/ turns frames into bytes: no I/O',
      severity: 'error',
      from: { path: '^packages/server/src/remux/', pathNot: TESTS },
      to: { pathNot: ['^packages/server/src/', '^packages/(media|rtmp)/src/'] },
    },
    {
      name: 'server-doors-apart',
      comment: 'servers/* never import each other (a live door may take the types of the hand-over)',
      severity: 'error',
      from: { path: '^packages/server/src/servers/([^/]+)/', pathNot: TESTS },
      to: {
        path: '^packages/server/src/servers/(?!$1/)',
        pathNot: '^packages/server/src/servers/http/(index|live-door)[.]ts$',
      },
    },
    {
      name: 'server-doors-hand-over-is-types',
      comment: 'From servers/http another door takes types only',
      severity: 'error',
      from: { path: '^packages/server/src/servers/(?!http/)', pathNot: TESTS },
      to: { path: '^packages/server/src/servers/http/', dependencyTypesNot: ['type-only'] },
    },
    serverRoom('files', ['timing/']),
    serverRoom('sinks', ['config/', 'log/', 'live/', 'remux/', 'stats/', 'timing/']),
    {
      name: 'server-sinks-apart',
      comment: 'sinks/* never import each other; what they share is sinks/disk',
      severity: 'error',
      from: { path: '^packages/server/src/sinks/([^/]+)/', pathNot: TESTS },
      to: { path: '^packages/server/src/sinks/(?!$1/|disk/)' },
    },
    serverRoom('relay', ['config/', 'log/', 'live/', 'files/', 'stats/']),
    serverRoom('clients', ['config/', 'log/', 'live/', 'security/', 'stats/']),
    serverRoom('servers', [
      'clients/',
      'config/',
      'log/',
      'live/',
      'remux/',
      'stats/',
      'security/',
      'files/',
      'bandwidth/',
    ]),
    serverRoom('api', ['config/', 'log/']),
    {
      name: 'server-app-is-the-top',
      comment: 'Nothing imports app/ but main.ts, cli/ and index.ts',
      severity: 'error',
      from: {
        path: '^packages/server/src/',
        pathNot: [TESTS, '^packages/server/src/(app/|cli/|(main|index)[.]ts$)'],
      },
      to: { path: '^packages/server/src/app/' },
    },
    {
      name: 'server-main-is-the-end',
      comment: 'Nothing imports main.ts or index.ts of the server from within',
      severity: 'error',
      from: { path: '^packages/server/src/', pathNot: TESTS },
      to: { path: '^packages/server/src/(main|index)[.]ts$' },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '/dist/'] },
    exclude: { path: ['/dist/', '^bench/results/'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.tests.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['sluice-source', 'import', 'types', 'node', 'default'],
      mainFields: ['module', 'main', 'types'],
    },
  },
};
