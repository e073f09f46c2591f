import { z } from 'zod';
import { flushSchema, fpsSchema, gopSchema, jitterSchema, kbpsSchema } from './traffic-schemas.ts';

/**
 * The bodies of the API, in SRS's shapes (5.1). The routes are typed by these schemas and the tests validate
 * every answer with them; the reference pages can be generated from them.
 */

const bytes = z.number().int().nonnegative();
/** What lies beneath, and what it is; one more level where it is a group. */
const urls = z.record(z.string(), z.union([z.string(), z.record(z.string(), z.string())]));

/** What every answer with code 0 begins with. */
export const answer = z.strictObject({
  code: z.literal(0),
  server: z.string(),
  service: z.string(),
  pid: z.string(),
});

/** `{"code":N}`: any answer but success. */
export const errorSchema = z.strictObject({ code: z.number().int().positive() });

/** An answer that has nothing to say but that all is well. */
export const doneSchema = answer.extend({});

export const indexSchema = answer.extend({ urls });

export const versionsSchema = answer.extend({
  data: z.strictObject({
    major: z.number().int(),
    minor: z.number().int(),
    revision: z.number().int(),
    version: z.string(),
  }),
});

export const videoSchema = z.strictObject({
  codec: z.string(),
  profile: z.string(),
  level: z.string(),
  /** Null while it is not known. */
  width: z.number().int().nullable(),
  height: z.number().int().nullable(),
});

export const audioSchema = z.strictObject({
  codec: z.string(),
  sample_rate: z.number().int(),
  channel: z.number().int(),
  profile: z.string(),
});

/** What the stream, or an output of it, suffers from; ours, not SRS's. */
export const faultSchema = z.strictObject({
  sink: z.string(),
  code: z.string(),
  message: z.string(),
  since_ms: z.number().int(),
  count: z.number().int(),
});

export const streamSchema = z.strictObject({
  id: z.string(),
  name: z.string(),
  vhost: z.string(),
  app: z.string(),
  tcUrl: z.string(),
  url: z.string(),
  live_ms: z.number().int(),
  clients: z.number().int(),
  frames: z.number().int(),
  send_bytes: bytes,
  recv_bytes: bytes,
  kbps: kbpsSchema,
  /** From here to `publish`, ours. */
  players: z.number().int(),
  fps: fpsSchema,
  audio_frames: z.number().int(),
  dropped_frames: z.number().int(),
  gop: gopSchema.nullable(),
  jitter: jitterSchema,
  held_bytes: bytes,
  flush: flushSchema.nullable(),
  publish: z.strictObject({ active: z.boolean(), cid: z.string().optional() }),
  video: videoSchema.nullable(),
  audio: audioSchema.nullable(),
  /** Ours: the playlist of HLS has a segment. */
  hls_ready: z.boolean(),
  /** On the public port without those of disks: their messages name paths. */
  faults: z.array(faultSchema).optional(),
});

export const streamsAnswerSchema = answer.extend({ streams: z.array(streamSchema) });
export const streamAnswerSchema = answer.extend({ stream: streamSchema });

export const clientSchema = z.strictObject({
  id: z.string(),
  vhost: z.string(),
  stream: z.string(),
  ip: z.string(),
  pageUrl: z.string(),
  swfUrl: z.string(),
  tcUrl: z.string(),
  url: z.string(),
  name: z.string(),
  type: z.string(),
  publish: z.boolean(),
  alive: z.number(),
  send_bytes: bytes,
  recv_bytes: bytes,
  kbps: kbpsSchema,
  /** From here on, ours. */
  frames: z.number().int(),
  fps: fpsSchema,
  dropped_frames: z.number().int(),
});

export const clientsAnswerSchema = answer.extend({ clients: z.array(clientSchema) });
export const clientAnswerSchema = answer.extend({ client: clientSchema });

export const vhostSchema = z.strictObject({
  id: z.string(),
  name: z.string(),
  enabled: z.boolean(),
  clients: z.number().int(),
  streams: z.number().int(),
  send_bytes: bytes,
  recv_bytes: bytes,
  kbps: kbpsSchema,
  /** From here to `hls`, ours. */
  players: z.number().int(),
  fps: fpsSchema,
  dropped_frames: z.number().int(),
  jitter: jitterSchema,
  /** `fragment` in seconds, where HLS is on. */
  hls: z.strictObject({ enabled: z.boolean(), fragment: z.number().optional() }),
});

export const vhostsAnswerSchema = answer.extend({ vhosts: z.array(vhostSchema) });
export const vhostAnswerSchema = answer.extend({ vhost: vhostSchema });

/** A connection that has ended; ours, not SRS's. */
export const endedSchema = z.strictObject({
  id: z.string(),
  ip: z.string(),
  type: z.string(),
  publish: z.boolean(),
  /** The name, empty when the connection never named one; `app` and `stream`, too. */
  vhost: z.string(),
  app: z.string(),
  stream: z.string(),
  /** ms since 1970. */
  start_ms: z.number().int(),
  end_ms: z.number().int(),
  /** A word for programs, the same as in the log. */
  reason: z.string(),
  /** More for people, or empty. */
  detail: z.string(),
  send_bytes: bytes,
  recv_bytes: bytes,
  dropped_frames: z.number().int(),
});

export const endedAnswerSchema = answer.extend({ ended: z.array(endedSchema) });

/** `rpc=raw`: how the API itself is set. */
export const rawSettingsAnswerSchema = answer.extend({
  http_api: z.strictObject({
    enabled: z.boolean(),
    listen: z.string(),
    crossdomain: z.boolean(),
    raw_api: z.strictObject({
      enabled: z.boolean(),
      allow_reload: z.boolean(),
      allow_query: z.boolean(),
      allow_update: z.boolean(),
    }),
  }),
});

/** `rpc=reload-fetch`: how the last reload by this API went. */
export const reloadFetchAnswerSchema = answer.extend({
  data: z.strictObject({
    /** 0, or the code of what is wrong. */
    err: z.number().int(),
    msg: z.string(),
    /** 0: none yet; 30: under way; 90: done. */
    state: z.number().int(),
    /** New for each reload. */
    rid: z.string(),
  }),
});

/** What a GET of `raw` answers, by its `rpc`: `raw`, `reload-fetch`, `reload`. */
export const rawAnswerSchema = z.union([rawSettingsAnswerSchema, reloadFetchAnswerSchema, doneSchema]);

/** What `tests/errors` answers. */
export const testErrorSchema = z.strictObject({
  code: z.literal(100),
  msg: z.string(),
  path: z.string(),
});

/** A recording; ours, not SRS's. */
export const dvrSchema = z.strictObject({
  id: z.string(),
  origin: z.enum(['config', 'api']),
  vhost: z.string(),
  app: z.string(),
  stream: z.string(),
  plan: z.enum(['session', 'segment', 'append']),
  path: z.string(),
  /** The length of a segment, seconds. */
  duration: z.number(),
  state: z.enum(['waiting', 'recording', 'fault']),
  file: z.string().nullable(),
  bytes,
  recorded_ms: z.number().int(),
  since_ms: z.number().int(),
  fault: faultSchema.omit({ sink: true }).nullable(),
});

export const dvrsAnswerSchema = answer.extend({ dvrs: z.array(dvrSchema) });
export const dvrAnswerSchema = answer.extend({ dvr: dvrSchema });

/** What a recording is asked for with. */
export const dvrRequestSchema = z.strictObject({
  vhost: z.string().min(1).max(255).optional(),
  app: z.string().min(1).max(255),
  stream: z.string().min(1).max(1024),
  plan: z.enum(['session', 'segment', 'append']).optional(),
  path: z.string().min(1).max(1024).optional(),
  /** Seconds. */
  duration: z.number().min(1).max(86_400).optional(),
});

/** Whose change, and from where; `user` is null where the API has no password. */
const author = z.strictObject({ user: z.string().nullable(), address: z.string() });

/** A change of the configuration by this API; ours, not SRS's. */
export const changeSchema = z.strictObject({
  id: z.string(),
  /** ISO 8601, in UTC. */
  at: z.string(),
  by: author,
  /** The vhost's name, null for the root. */
  vhost: z.string().nullable(),
  settings: z.array(
    z.strictObject({
      directive: z.string(),
      /** In the words of a configuration file; null for the default. A secret is `(secret)`. */
      value: z.union([z.string(), z.array(z.string()), z.null()]),
      /** What was written when the change was made, null for nothing. */
      before: z.string().nullable(),
      /** The later change that counts instead, or null. */
      overridden_by: z.string().nullable(),
    }),
  ),
  /** False when it doesn't fit any more; `problem` says why. */
  applied: z.boolean(),
  problem: z.string().nullable(),
});

export const changesAnswerSchema = answer.extend({ changes: z.array(changeSchema) });

/** One line of what a change does, as `sluice diff` has it. */
export const changeLineSchema = z.strictObject({
  kind: z.enum(['root', 'vhost-added', 'vhost-removed', 'vhost-changed']),
  /** The vhost's name, null for the root. */
  vhost: z.string().nullable(),
  /** Null for a vhost that comes or goes as a whole, as `before`, `after` and `effect` are. */
  directive: z.string().nullable(),
  before: z.string().nullable(),
  after: z.string().nullable(),
  effect: z.enum(['live', 'restart', 'none']).nullable(),
  text: z.string(),
});

/** What a change or a rollback does, or would do. */
export const changeResultSchema = z.strictObject({
  dry_run: z.boolean(),
  /** What is kept; null for a dry run, for a rollback, and when nothing is otherwise. */
  change: changeSchema.nullable(),
  /** What is taken back. */
  removed: z.array(changeSchema),
  lines: z.array(changeLineSchema),
  /** What people should know besides. */
  notes: z.array(z.string()),
});

export const changeAnswerSchema = answer.extend({ result: changeResultSchema });

/** Values by the dotted names of directives: `{"play.gop_cache": false}`; null is the default. */
export const settingsRequestSchema = z.record(
  z.string().min(1),
  z.union([
    z.string(),
    z.number(),
    z.boolean(),
    z.null(),
    z.array(z.union([z.string(), z.number(), z.boolean()])),
  ]),
);

/** An answer that says why not, in a word for programs and in a sentence for people. */
export const refusalSchema = z.strictObject({
  code: z.number().int().positive(),
  error: z.string(),
  message: z.string(),
});

/** The most entries of one page, whatever `count` asks for. */
export const MAX_PAGE = 10_000;

/** `?start=&count=`. Nonsense counts as absent, as in SRS. */
export function pagingSchema(defaultCount: number) {
  return z.object({
    start: z.coerce.number().int().nonnegative().catch(0),
    count: z.coerce
      .number()
      .int()
      .positive()
      .catch(defaultCount)
      .transform((count) => Math.min(count, MAX_PAGE)),
  });
}

/** Most characters of a search. */
export const MAX_SEARCH_LENGTH = 256;

/** `?search=`: what the name of an entry has in it, in lower case; empty for everything. */
export const searchSchema = z.object({
  search: z
    .string()
    .max(MAX_SEARCH_LENGTH)
    .transform((text) => text.trim().toLowerCase())
    .catch(''),
});

export type ApiStream = z.infer<typeof streamSchema>;
export type ApiClient = z.infer<typeof clientSchema>;
export type ApiVhost = z.infer<typeof vhostSchema>;
export type ApiEnded = z.infer<typeof endedSchema>;
export type ApiDvr = z.infer<typeof dvrSchema>;
export type ApiDvrRequest = z.infer<typeof dvrRequestSchema>;
export type ApiChange = z.infer<typeof changeSchema>;
export type ApiChangeResult = z.infer<typeof changeResultSchema>;
export type ApiSettings = z.infer<typeof settingsRequestSchema>;
export type ApiRefusal = z.infer<typeof refusalSchema>;
export type ApiVersions = z.infer<typeof versionsSchema>['data'];
