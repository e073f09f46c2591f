import { z } from 'zod';
import { answer } from './schemas.ts';
import { trafficSchema } from './traffic-schemas.ts';

/** Figures of the machine and the process, in SRS's shapes (5.1). What the system doesn't tell is null. */

const figure = z.number().nullable();

/** The numbers of `/proc/self/stat`, by the kernel's names and in its order. */
const processFields = {
  ppid: figure,
  pgrp: figure,
  session: figure,
  tty_nr: figure,
  tpgid: figure,
  flags: figure,
  minflt: figure,
  cminflt: figure,
  majflt: figure,
  cmajflt: figure,
  utime: figure,
  stime: figure,
  cutime: figure,
  cstime: figure,
  priority: figure,
  nice: figure,
  num_threads: figure,
  itrealvalue: figure,
  starttime: figure,
  vsize: figure,
  rss: figure,
  rsslim: figure,
  startcode: figure,
  endcode: figure,
  startstack: figure,
  kstkesp: figure,
  kstkeip: figure,
  signal: figure,
  blocked: figure,
  sigignore: figure,
  sigcatch: figure,
  wchan: figure,
  nswap: figure,
  cnswap: figure,
  exit_signal: figure,
  processor: figure,
  rt_priority: figure,
  policy: figure,
  delayacct_blkio_ticks: figure,
  guest_time: figure,
  cguest_time: figure,
};

export const processFieldNames = Object.keys(processFields) as readonly (keyof typeof processFields)[];

const sampled = {
  /** Whether the system tells these figures. */
  ok: z.boolean(),
  /** ms since 1970. */
  sample_time: z.number().int(),
};

export const summariesSchema = z.strictObject({
  ok: z.boolean(),
  now_ms: z.number().int(),
  self: z.strictObject({
    version: z.string(),
    pid: z.number().int(),
    ppid: z.number().int(),
    argv: z.string(),
    cwd: z.string(),
    mem_kbyte: z.number().int(),
    mem_percent: figure,
    cpu_percent: z.number(),
    srs_uptime: z.number().int(),
    internal_faults: z.number().int(),
    descriptor_refusals: z.number().int(),
  }),
  system: z.strictObject({
    cpu_percent: figure,
    disk_read_KBps: figure,
    disk_write_KBps: figure,
    disk_busy_percent: figure,
    mem_ram_kbyte: figure,
    mem_ram_percent: figure,
    mem_swap_kbyte: figure,
    mem_swap_percent: figure,
    cpus: figure,
    cpus_online: figure,
    uptime: figure,
    /** SRS's spelling. */
    ilde_time: figure,
    load_1m: figure,
    load_5m: figure,
    load_15m: figure,
    net_sample_time: z.number().int(),
    net_recv_bytes: figure,
    net_send_bytes: figure,
    net_recvi_bytes: figure,
    net_sendi_bytes: figure,
    srs_sample_time: z.number().int(),
    srs_recv_bytes: z.number().int(),
    srs_send_bytes: z.number().int(),
    conn_sys: figure,
    conn_sys_et: figure,
    conn_sys_tw: figure,
    conn_sys_udp: figure,
    conn_srs: z.number().int(),
  }),
  /** Ours. */
  traffic: trafficSchema,
});

export const summariesAnswerSchema = answer.extend({ data: summariesSchema });

const usage = z.number().int().nonnegative();

export const rusagesAnswerSchema = answer.extend({
  data: z.strictObject({
    ...sampled,
    /** Whole seconds. */
    ru_utime: usage,
    ru_stime: usage,
    /** KiB. */
    ru_maxrss: usage,
    ru_ixrss: usage,
    ru_idrss: usage,
    ru_isrss: usage,
    ru_minflt: usage,
    ru_majflt: usage,
    ru_nswap: usage,
    ru_inblock: usage,
    ru_oublock: usage,
    ru_msgsnd: usage,
    ru_msgrcv: usage,
    ru_nsignals: usage,
    ru_nvcsw: usage,
    ru_nivcsw: usage,
  }),
});

export const selfProcStatsAnswerSchema = answer.extend({
  data: z.strictObject({
    ...sampled,
    percent: z.number(),
    pid: z.number().int(),
    comm: z.string().nullable(),
    state: z.string().nullable(),
    ...processFields,
  }),
});

export const systemProcStatsAnswerSchema = answer.extend({
  data: z.strictObject({
    ...sampled,
    percent: figure,
    user: figure,
    nice: figure,
    sys: figure,
    idle: figure,
    iowait: figure,
    irq: figure,
    softirq: figure,
    steal: figure,
    guest: figure,
  }),
});

export const meminfosAnswerSchema = answer.extend({
  data: z.strictObject({
    ...sampled,
    percent_ram: figure,
    percent_swap: figure,
    MemActive: figure,
    RealInUse: figure,
    NotInUse: figure,
    MemTotal: figure,
    MemFree: figure,
    Buffers: figure,
    Cached: figure,
    SwapTotal: figure,
    SwapFree: figure,
  }),
});

export const authorsAnswerSchema = answer.extend({
  data: z.strictObject({
    primary: z.string(),
    authors: z.string(),
    license: z.string(),
    copyright: z.string(),
    contributors_link: z.string(),
    contributors: z.string(),
  }),
});

const flags = {
  ssl: z.boolean(),
  hls: z.boolean(),
  hds: z.boolean(),
  callback: z.boolean(),
  api: z.boolean(),
  httpd: z.boolean(),
  dvr: z.boolean(),
  transcode: z.boolean(),
  ingest: z.boolean(),
  stat: z.boolean(),
  nginx: z.boolean(),
  ffmpeg: z.boolean(),
  stream_caster: z.boolean(),
  caster: z.boolean(),
  complex_send: z.boolean(),
  tcp_nodelay: z.boolean(),
  so_sendbuf: z.boolean(),
  mr: z.boolean(),
};

export const featuresAnswerSchema = answer.extend({
  data: z.strictObject({
    options: z.string(),
    options2: z.string(),
    build: z.string(),
    build2: z.string(),
    /** As SRS 3 and later have them. */
    features: z.strictObject(flags),
    /** As SRS 2 has them. */
    ...flags,
  }),
});

export const requestsAnswerSchema = answer.extend({
  data: z.strictObject({
    uri: z.string(),
    path: z.string(),
    METHOD: z.string(),
    headers: z.record(z.string(), z.string()),
    server: z.strictObject({
      /** SRS's spelling. */
      sigature: z.string(),
      name: z.string(),
      version: z.string(),
      link: z.string(),
      time: z.number().int(),
    }),
  }),
});

export type ApiSummaries = z.infer<typeof summariesSchema>;
export type ApiRusages = z.infer<typeof rusagesAnswerSchema>['data'];
export type ApiSelfProcStats = z.infer<typeof selfProcStatsAnswerSchema>['data'];
export type ApiSystemProcStats = z.infer<typeof systemProcStatsAnswerSchema>['data'];
export type ApiMeminfos = z.infer<typeof meminfosAnswerSchema>['data'];
export type ApiAuthors = z.infer<typeof authorsAnswerSchema>['data'];
export type ApiFeatures = z.infer<typeof featuresAnswerSchema>['data'];
export type ApiRequests = z.infer<typeof requestsAnswerSchema>['data'];
