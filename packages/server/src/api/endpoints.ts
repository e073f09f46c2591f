import type { z } from 'zod';
import * as schemas from './schemas.ts';
import * as system from './system-schemas.ts';
import * as traffic from './traffic-schemas.ts';

/** One operation of the API, for the OpenAPI document and for tests, which hold every one of them to it. */
export interface Endpoint {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** With `{id}` where an id stands. */
  readonly path: string;
  /** Its name for programs. */
  readonly id: string;
  readonly group: 'Server' | 'Streams and clients' | 'Recordings' | 'Machine' | 'Control' | 'Tests';
  readonly summary: string;
  /** HTTP status of success. */
  readonly status: 200 | 201 | 302;
  /** By the name that it has in the document; see {@link answerSchemas}. */
  readonly answer: keyof typeof answerSchemas;
  /** Whether it takes `?start=&count=`; the number is what `count` is when it is absent. */
  readonly pageOf?: number;
  /** The schema of its body, by the name that it has in the document. */
  readonly body?: 'DvrRequest' | 'Settings';
  /** Other query parameters that it needs, and their values; without any it is a text. */
  readonly query?: Readonly<Record<string, readonly string[]>>;
  /** Whether it takes `?search=`: entries whose URL has the text in it. */
  readonly search?: true;
  /** Whether it takes `?dry_run=true`: nothing is done, and the answer says what would be. */
  readonly dryRun?: true;
  /** The codes that come instead of 0, besides those that every operation may answer. */
  readonly codes?: Readonly<Record<number, string>>;
}

/** Whole bodies of answers by their names in the document. */
export const answerSchemas = {
  IndexAnswer: schemas.indexSchema,
  DoneAnswer: schemas.doneSchema,
  VersionsAnswer: schemas.versionsSchema,
  SummariesAnswer: system.summariesAnswerSchema,
  RusagesAnswer: system.rusagesAnswerSchema,
  SelfProcStatsAnswer: system.selfProcStatsAnswerSchema,
  SystemProcStatsAnswer: system.systemProcStatsAnswerSchema,
  MeminfosAnswer: system.meminfosAnswerSchema,
  AuthorsAnswer: system.authorsAnswerSchema,
  FeaturesAnswer: system.featuresAnswerSchema,
  RequestsAnswer: system.requestsAnswerSchema,
  VhostsAnswer: schemas.vhostsAnswerSchema,
  VhostAnswer: schemas.vhostAnswerSchema,
  StreamsAnswer: schemas.streamsAnswerSchema,
  StreamAnswer: schemas.streamAnswerSchema,
  ClientsAnswer: schemas.clientsAnswerSchema,
  ClientAnswer: schemas.clientAnswerSchema,
  EndedAnswer: schemas.endedAnswerSchema,
  DvrsAnswer: schemas.dvrsAnswerSchema,
  DvrAnswer: schemas.dvrAnswerSchema,
  ChangesAnswer: schemas.changesAnswerSchema,
  ChangeAnswer: schemas.changeAnswerSchema,
  RawAnswer: schemas.rawAnswerSchema,
  TestErrorAnswer: schemas.testErrorSchema,
} as const satisfies Readonly<Record<string, z.ZodType>>;

/** Parts of answers that have a name of their own in the document. */
export const partSchemas = {
  Vhost: schemas.vhostSchema,
  Stream: schemas.streamSchema,
  Video: schemas.videoSchema,
  Audio: schemas.audioSchema,
  Fault: schemas.faultSchema,
  Kbps: traffic.kbpsSchema,
  Gop: traffic.gopSchema,
  Jitter: traffic.jitterSchema,
  Flush: traffic.flushSchema,
  Traffic: traffic.trafficSchema,
  Client: schemas.clientSchema,
  Ended: schemas.endedSchema,
  Dvr: schemas.dvrSchema,
  DvrRequest: schemas.dvrRequestSchema,
  Change: schemas.changeSchema,
  ChangeLine: schemas.changeLineSchema,
  ChangeResult: schemas.changeResultSchema,
  Settings: schemas.settingsRequestSchema,
  Error: schemas.errorSchema,
  Refusal: schemas.refusalSchema,
} as const satisfies Readonly<Record<string, z.ZodType>>;

const ALL = schemas.MAX_PAGE;
const CHANGES = '/api/v1/config/changes';
const NO_VHOST = { 2014: 'no vhost has that id' };
const NO_STREAM = { 2048: 'no stream has that id' };
const NO_CLIENT = { 2049: 'no client has that id' };
const RAW = {
  1060: 'rpc is not known',
  1061: 'raw_api is off, or raw_api.allow_reload',
  1023: 'the configuration is not good: nothing has changed',
};

/** Every operation of the API. */
export const endpoints: readonly Endpoint[] = [
  get('Server', '/api', 'apiIndex', 'What there is', 'IndexAnswer'),
  get('Server', '/api/v1', 'v1Index', 'What there is in version 1', 'IndexAnswer'),
  get('Server', '/api/v1/versions', 'versions', 'The version of the server', 'VersionsAnswer'),
  get('Server', '/api/v1/features', 'features', 'What the server can do', 'FeaturesAnswer'),
  get('Server', '/api/v1/authors', 'authors', 'Who made the server', 'AuthorsAnswer'),
  list('/api/v1/vhosts', 'vhosts', 'All vhosts', 'VhostsAnswer', ALL),
  get('Streams and clients', '/api/v1/vhosts/{id}', 'vhost', 'One vhost', 'VhostAnswer', NO_VHOST),
  { ...list('/api/v1/streams', 'streams', 'All streams', 'StreamsAnswer', ALL), search: true },
  get('Streams and clients', '/api/v1/streams/{id}', 'stream', 'One stream', 'StreamAnswer', NO_STREAM),
  list('/api/v1/clients', 'clients', 'All publishers and players', 'ClientsAnswer', 10),
  get('Streams and clients', '/api/v1/clients/{id}', 'client', 'One client', 'ClientAnswer', NO_CLIENT),
  {
    ...get('Streams and clients', '/api/v1/clients/{id}', 'kick', 'Disconnects a client', 'DoneAnswer'),
    method: 'delete',
    codes: NO_CLIENT,
  },
  list('/api/v1/ended', 'ended', 'The connections that ended last, and why', 'EndedAnswer', 10),
  {
    ...get('Recordings', '/api/v1/dvrs', 'dvrs', 'What is or will be recorded', 'DvrsAnswer'),
    pageOf: ALL,
  },
  {
    ...get('Recordings', '/api/v1/dvrs', 'startDvr', 'Starts a recording', 'DvrAnswer'),
    method: 'post',
    status: 201,
    body: 'DvrRequest',
  },
  get('Recordings', '/api/v1/dvrs/{id}', 'dvr', 'One recording', 'DvrAnswer'),
  {
    ...get('Recordings', '/api/v1/dvrs/{id}', 'stopDvr', 'Stops a recording', 'DvrAnswer'),
    method: 'delete',
  },
  get('Machine', '/api/v1/summaries', 'summaries', 'Server and machine at a glance', 'SummariesAnswer'),
  get('Machine', '/api/v1/rusages', 'rusages', 'What the process has used', 'RusagesAnswer'),
  get('Machine', '/api/v1/self_proc_stats', 'selfProcStats', '/proc/self/stat', 'SelfProcStatsAnswer'),
  get('Machine', '/api/v1/system_proc_stats', 'systemProcStats', '/proc/stat', 'SystemProcStatsAnswer'),
  get('Machine', '/api/v1/meminfos', 'meminfos', '/proc/meminfo, KiB', 'MeminfosAnswer'),
  {
    ...get('Control', '/api/v1/raw', 'raw', 'Control of the server, by rpc', 'RawAnswer', RAW),
    query: { rpc: ['raw', 'reload', 'reload-fetch'] },
  },
  {
    ...get('Control', '/api/v1/raw', 'reload', 'Reloads the configuration', 'DoneAnswer', RAW),
    method: 'put',
    query: { rpc: ['reload'] },
  },
  {
    ...get('Control', '/api/v1/vhosts/{id}', 'changeVhost', 'Changes settings of a vhost', 'ChangeAnswer'),
    method: 'patch',
    body: 'Settings',
    dryRun: true,
  },
  {
    ...get('Control', '/api/v1/config', 'changeConfig', 'Changes settings of the server', 'ChangeAnswer'),
    method: 'patch',
    body: 'Settings',
    dryRun: true,
  },
  {
    ...get('Control', CHANGES, 'changes', 'What was changed by this API, the newest first', 'ChangesAnswer'),
    pageOf: ALL,
  },
  {
    ...get('Control', CHANGES, 'rollbackAfter', 'Takes back what came after a change', 'ChangeAnswer'),
    method: 'delete',
    query: { after: [] },
    dryRun: true,
  },
  {
    ...get('Control', `${CHANGES}/{id}`, 'rollback', 'Takes back one change', 'ChangeAnswer'),
    method: 'delete',
    dryRun: true,
  },
  get('Tests', '/api/v1/requests', 'requests', 'The request itself', 'RequestsAnswer'),
  get('Tests', '/api/v1/tests/requests', 'testRequests', 'The request itself', 'RequestsAnswer'),
  get('Tests', '/api/v1/tests/errors', 'testErrors', 'An error', 'TestErrorAnswer'),
  {
    ...get('Tests', '/api/v1/tests/redirects', 'testRedirects', 'A redirect to the error', 'DoneAnswer'),
    status: 302,
  },
];

function get(
  group: Endpoint['group'],
  path: string,
  id: string,
  summary: string,
  answer: Endpoint['answer'],
  codes?: Endpoint['codes'],
): Endpoint {
  return { method: 'get', path, id, group, summary, answer, status: 200, ...(codes && { codes }) };
}

function list(
  path: string,
  id: string,
  summary: string,
  answer: Endpoint['answer'],
  pageOf: number,
): Endpoint {
  return { ...get('Streams and clients', path, id, summary, answer), pageOf };
}
